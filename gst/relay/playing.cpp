// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/playing.h"

#include "rtmp/legacy.h"

namespace relay {

using rtmp::Error;
using rtmp::MessageType;

Session::Playing::Playing(Session& session, std::uint32_t stream_id, std::shared_ptr<Stream> stream,
                          const rtmp::TrackChoice& tracks)
    : session_(session),
      stream_id_(stream_id),
      queue_(session.server_.settings()->player_queue),
      tracks_(tracks),
      stream_(std::move(stream)) {
  plain_ = is_plain();
}

Session::Playing::~Playing() {
  if (audience_) {
    report();
    audience_->remove(*this);
  }
  stream_->remove_player();
}

void Session::Playing::join() {
  audience_ = session_.hall_.audience(stream_);
  const Snapshot snapshot = audience_->add(*this, session_.settings_->start_at);
  // The GOP begins with a key frame of track 0, not of every track.
  if (session_.settings_->start_at == StartAt::keyframe || tracks_.video) queue_.wait_for_key();
  joined_after_ = snapshot.last_sequence;
  enqueue(snapshot.frames);
}

bool Session::Playing::deliver(const Batch& batch) {
  if (takes_as_it_is(batch) && write_directly(batch)) return true;
  enqueue(batch.frames);
  session_.driver_.flush();
  keep_limits();
  return false;
}

void Session::Playing::report() {
  stream_->count_bytes_out(bytes_ - std::exchange(reported_, bytes_));
}

bool Session::Playing::send_next() {
  if (session_.driver_.connection().over()) return false;
  const FramePtr frame = queue_.pop();
  if (!frame) return false;
  bytes_ += frame->size();
  if (frame->sequence > joined_after_ && frame->notice == Frame::Notice::none)
    session_.hall_.delays().add(net::now() - frame->arrived, 1);
  if (frame->is_enhanced() && !session_.knows_enhanced_) {
    send_to_legacy_player(frame);
  } else if (const auto* chosen = tracks_.of(frame->type); chosen && frame->summary.many_tracks) {
    for (const rtmp::Message& message : chosen_tracks(frame->message(stream_id_), *chosen))
      session_.driver_.connection().send(message);
  } else {
    send(*frame);
  }
  return true;
}

void Session::Playing::pause(bool paused) {
  paused_ = paused;
  plain_ = is_plain();
  if (!paused) queue_.wait_for_key();
}
void Session::Playing::receive(MessageType type, bool enabled) {
  (type == MessageType::audio ? audio_ : video_) = enabled;
  plain_ = is_plain();
  if (enabled && type == MessageType::video) queue_.wait_for_key();
}

bool Session::Playing::takes_as_it_is(const Batch& batch) const {
  return !batch.chunks.bytes.empty() && plain_ && queue_.passes(batch.pictures) &&
         (!batch.enhanced || session_.knows_enhanced_);
}

// The way of nearly all frames to nearly all players: nothing is queued, nobody is asked. A session
// that plays twice would get the second batch before the rest of the first.
int Session::Playing::direct_socket(const Batch& batch) {
  const bool may = takes_as_it_is(batch) && !session_.driver_.connection().speaks_flv() &&
                   session_.playing_.size() == 1;
  return may ? session_.driver_.direct_socket() : -1;
}

void Session::Playing::on_written(const Batch& batch, ssize_t result) {
  count_written(batch, batch.chunks.size, session_.driver_.directly_written(result));
}

// The same for who is not written to together with others.
bool Session::Playing::write_directly(const Batch& batch) {
  net::Driver& driver = session_.driver_;
  const Batch::Wire& wire = driver.connection().speaks_flv() ? batch.tags() : batch.chunks;
  const std::optional<std::size_t> written = driver.write_directly(wire.bytes);
  if (written) count_written(batch, wire.size, *written);
  return written.has_value();
}

// What the kernel did not take waits in the connection's output.
void Session::Playing::count_written(const Batch& batch, std::size_t whole, std::size_t written) {
  net::Driver& driver = session_.driver_;
  bytes_ += whole;
  if (written == whole) return driver.connection().sent(whole);
  for (const FramePtr& frame : batch.frames) append(*frame);
  driver.connection().written(written);
  driver.flush();
}

void Session::Playing::append(const Frame& frame) {
  rtmp::Connection& connection = session_.driver_.connection();
  if (stream_id_ == shared_stream_id && !connection.speaks_flv())
    connection.send(frame.encoded);
  else
    connection.send(frame.message(stream_id_));
}

void Session::Playing::enqueue(std::span<const FramePtr> frames) {
  const rtmp::Time now = net::now();
  for (const FramePtr& frame : frames)
    if (wanted(*frame)) queue_.push(frame, now);
}

// What is still there after writing waits for a slow player.
void Session::Playing::keep_limits() {
  if (queue_.keep_limits(net::now()) == FrameQueue::Outcome::beyond_help)
    return session_.driver_.close(Error::too_slow);
  Server& server = session_.server_;
  if (server.memory()->exceeded() && queue_.shed()) server.count(Limit::memory, session_.host_);
}

bool Session::Playing::is_plain() const {
  return stream_id_ == shared_stream_id && tracks_ == rtmp::TrackChoice{} && !paused_ && audio_ &&
         video_;
}

bool Session::Playing::wanted(const Frame& frame) const {
  if (const auto* chosen = tracks_.of(frame.type); chosen && !frame.summary.many_tracks)
    if (!chosen->test(frame.summary.track_id)) return false;
  if (frame.is_header() || frame.notice != Frame::Notice::none) return true;
  return !paused_ && (!frame.is_audio() || audio_) && (!frame.is_video() || video_);
}

void Session::Playing::send(const Frame& frame) {
  if (frame.notice != Frame::Notice::none) {
    send_notice(frame.notice);
  } else {
    append(frame);
  }
}

void Session::Playing::send_to_legacy_player(const FramePtr& frame) {
  using LegacyPlayers = Server::Settings::LegacyPlayers;
  const LegacyPlayers policy = session_.settings_->legacy_players;
  if (policy == LegacyPlayers::forward) return send(*frame);
  if (policy == LegacyPlayers::refuse) return refuse();
  const std::optional<std::uint8_t> track = legacy_track(frame->type);
  if (track == 0) {
    if (frame->legacy) send(*frame->legacy);
  } else if (track) {
    if (const auto message = rtmp::legacy_form(frame->message(stream_id_), *track))
      session_.driver_.connection().send(*message);
  }
}

// Legacy FLV has one track of a kind: the first that was chosen.
std::optional<std::uint8_t> Session::Playing::legacy_track(MessageType type) const {
  const auto* chosen = tracks_.of(type);
  return chosen ? rtmp::first_track(*chosen) : 0;
}

void Session::Playing::refuse() {
  if (std::exchange(refused_, true)) return;
  session_.session_.send_status(
      stream_id_, {"error", "NetStream.Play.NoSupportedTrackFound",
                   "The stream is Enhanced RTMP, which the player did not announce."});
  session_.send_session_output();
}

// Of publishers that follow each other the player need not know: the stream goes on.
void Session::Playing::send_notice(Frame::Notice notice) {
  if (notice == Frame::Notice::published) session_.session_.notify_publish(stream_id_);
  if (notice == Frame::Notice::unpublished) session_.session_.notify_unpublish(stream_id_);
  session_.send_session_output();
}

}  // namespace relay
