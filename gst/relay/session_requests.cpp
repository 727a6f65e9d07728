// What a client of the server asks for: to connect, to publish and to play.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <boost/asio/post.hpp>

#include "relay/admission.h"
#include "relay/data.h"
#include "relay/playing.h"
#include "relay/publishing.h"
#include "relay/session.h"
#include "rtmp/enhanced.h"
#include "rtmp/tracks.h"
#include "rtmp/url.h"

namespace relay {
namespace {

using namespace rtmp::server_event;
using rtmp::Error;
using rtmp::Result;
using rtmp::Status;

// Before a publish is accepted commands alone come, and less is allowed.
constexpr std::uint32_t message_limit = rtmp::ChunkLimits{}.message_size;

// Encoders call themselves FMLE, or say a word that librtmp and its kin say to publish. Players do
// neither.
bool looks_like_publisher(const ConnectRequest& request) {
  const rtmp::amf::Value* type = request.properties.find("type");
  return request.flash_version.starts_with("FMLE/") ||
         (type && type->string().value_or("") == "nonprivate");
}

std::string app_as_sent(const ConnectRequest& request) {
  const rtmp::amf::Value* app = request.properties.find("app");
  return app ? std::string(rtmp::split_query(app->string().value_or("")).name) : std::string();
}

std::string name_for(const Request& wish, const Decision& decision) {
  return decision.rename.empty() ? stream_name(wish.app, wish.stream) : decision.rename;
}

Request granted(Request wish, const Decision& decision) {
  wish.user = decision.user;
  return wish;
}

}  // namespace

std::function<void(Decision)> Session::at_home(std::function<void(Decision)> then) {
  const auto answered = std::make_shared<bool>(false);  // our thread's
  return [weak = weak_from_this(), desk = server_.desk(), &worker = driver_.worker(),
          home = std::this_thread::get_id(), answered, then = std::move(then)](Decision decision) {
    auto arrive = [weak, answered, then, decision = std::move(decision)] {
      const auto self = weak.lock();
      if (self && self->driver_.open() && !std::exchange(*answered, true)) then(decision);
    };
    if (std::this_thread::get_id() == home)
      arrive();
    else
      desk->post(worker, std::move(arrive));
  };
}

void Session::decide(Request request, std::function<void(const Decision&)> then) {
  const auto answered = std::make_shared<bool>(false);
  const auto admission = std::make_shared<Admission>(
      server_, std::move(request),
      [this](Admission::Answer next) { return at_home(std::move(next)); },
      [this, answered, then = std::move(then)](const Decision& decision) {
        *answered = true;
        then(decision);
        handle_events();  // what waited behind the request
        driver_.flush();
      });
  admission->start();
  if (*answered) return;
  const auto late =
      at_home([admission](const Decision& decision) { admission->refuse(decision.reason); });
  server_.call_later(server_.settings()->decision_timeout, [late] {
    late({.allow = false, .reason = "The server's decision takes too long."});
  });
}

void Session::handle(ConnectRequest& request) {
  connected_as_.action = Request::Action::connect;
  connected_as_.client_id = id_;
  connected_as_.address = address_;
  connected_as_.app = request.app;
  connected_as_.app_query = request.app_query;
  connected_as_.tc_url = request.tc_url;
  connected_as_.page_url = request.page_url;
  connected_as_.swf_url = request.swf_url;
  connected_as_.flash_version = request.flash_version;
  connected_as_.app_as_sent = app_as_sent(request);
  connected_as_.looks_like_publisher = looks_like_publisher(request);
  const auto enhanced = rtmp::read_enhanced_capabilities(request.properties);
  knows_enhanced_ = enhanced.announced();
  reconnects_ = (enhanced.caps_ex & rtmp::EnhancedCapabilities::reconnect) != 0;
  path_ = RoutePath::read(request.properties);
  if (path_.contains(server_.route_id()) || path_.full()) {
    server_.count(Limit::loops, host_);
    return refuse_connect("The stream has been here before: servers forward it in a circle.");
  }
  settings_->swf ? ask_for_swf() : decide_connect();
}

void Session::decide_connect() {
  decide(connected_as_, [this](const Decision& decision) {
    if (!decision.allow) return refuse_connect(decision.reason);
    connected_as_.user = decision.user;
    connected_as_.logged_in = decision.logged_in;
    if (!decision.rename.empty()) connected_as_.app = decision.rename;
    begin_visit(0, connected_as_, connected_as_.app);
    server_.connected(host_);
    session_.accept_connect(server_.connect_answer());
  });
}

void Session::refuse_connect(const std::string& reason) {
  swf_by_ = rtmp::never;
  session_.reject_connect({"error", "NetConnection.Connect.Rejected", reason});
  send_session_output();
  driver_.finish(Error::refused);
}

void Session::ask_for_swf() {
  if (driver_.connection().speaks_flv())
    return refuse_connect("FLV over HTTP cannot verify a SWF, as this server demands.");
  swf_by_ = net::now() + settings_->swf_timeout;
  driver_.connection().send(rtmp::swf::request());
}

void Session::on_swf_answer(const rtmp::Message& answer) {
  swf_by_ = rtmp::never;
  if (rtmp::swf::proves(answer, *settings_->swf, driver_.connection().swf_key()))
    decide_connect();
  else
    refuse_connect("The SWF verification failed: this is another player.");
}

// A web service that knows of it hears how it goes on.
void Session::begin_visit(std::uint32_t stream_id, const Request& request,
                          const std::string& name) {
  const auto hooks = server_.settings()->hooks;
  if (!hooks) return;
  visits_[stream_id] = hooks->begin(
      request, name, [weak = weak_from_this(), desk = server_.desk(), &worker = driver_.worker()] {
        desk->post(worker, [weak] {
          if (const auto self = weak.lock()) self->driver_.finish(Error::refused);
        });
      });
}

void Session::end_visit(std::uint32_t stream_id) {
  const auto visit = visits_.find(stream_id);
  if (visit == visits_.end()) return;
  const auto connection = driver_.connection().stats();
  visit->second->count(connection.bytes_in, connection.bytes_out);
  visits_.erase(visit);
}

Request Session::make_request(Request::Action action, const std::string& stream,
                              const std::string& query) {
  Request request = connected_as_;
  request.action = action;
  request.stream = stream;
  request.query = query;
  return request;
}

void Session::handle(PublishRequest& request) {
  last_wish_ = {request.name, request.query, {}};
  Request wish = make_request(Request::Action::publish, request.name, request.query);
  wish.publish_type = request.type;
  decide(wish, [this, wish, stream_id = request.stream_id](const Decision& decision) {
    if (!decision.allow) {
      session_.reject_publish(stream_id, {"error", "NetStream.Publish.Denied", decision.reason});
      return;
    }
    const std::string name = name_for(wish, decision);
    if (publish(stream_id, name, decision.forward))
      begin_visit(stream_id, granted(wish, decision), name);
  });
}

bool Session::publish(std::uint32_t stream_id, const std::string& name,
                      const std::vector<std::string>& forward) {
  const auto stream = server_.hub().get(name);
  const rtmp::Time now = net::now();
  const auto publishing = std::make_shared<Publishing>(shared_from_this(), stream_id, stream, now);
  const auto settings = server_.settings();
  if (!stream->publish(publishing, settings->duplicate_publish, settings->publisher_idle, now)) {
    server_.count(Limit::duplicate_publish, host_);
    session_.reject_publish(
        stream_id, {"error", "NetStream.Publish.BadName", "The stream is published already."});
    return false;
  }
  driver_.connection().set_message_limit(message_limit);
  publishing_[stream_id] = publishing;
  published_ = true;
  last_wish_.stream = name;
  session_.accept_publish(stream_id);
  for (const std::string& url : forward) server_.forward_once(name, url);
  return true;
}

void Session::replaced(std::uint32_t stream_id) {
  if (!publishing_.contains(stream_id)) return;
  session_.send_status(
      stream_id, {"error", "NetStream.Publish.BadName", "Another publisher took the stream over."});
  send_session_output();
  driver_.finish(Error::refused);
}

void Session::handle(PlayRequest& request) {
  last_wish_ = {request.name, request.query, {}};
  const Result<rtmp::TrackChoice> tracks = rtmp::read_track_choice(request.query);
  if (!tracks) {
    session_.reject_play(request.stream_id,
                         {"error", "NetStream.Play.Failed",
                          "video= and audio= take ids of tracks, such as 0,2, or none."});
    return;
  }
  Request wish = make_request(Request::Action::play, request.name, request.query);
  wish.start_ms = request.start == PlayRequest::Start::at     ? request.start_ms
                  : request.start == PlayRequest::Start::live ? -1000
                                                              : -2000;
  wish.duration_ms = request.duration_ms;
  wish.reset = request.reset;
  decide(wish,
         [this, wish, tracks = *tracks, stream_id = request.stream_id](const Decision& decision) {
           if (!decision.allow) {
             session_.reject_play(stream_id, {"error", "NetStream.Play.Failed", decision.reason});
             return;
           }
           const std::string name = name_for(wish, decision);
           if (!decision.pull.empty()) server_.pull(name, decision.pull);
           if (play(stream_id, name, tracks)) begin_visit(stream_id, granted(wish, decision), name);
         });
}

// The place among the players is taken before anybody is asked for the stream.
bool Session::play(std::uint32_t stream_id, const std::string& name,
                   const rtmp::TrackChoice& tracks) {
  auto stream = server_.hub().get(name);
  if (!stream->add_player(server_.settings()->max_players_per_stream)) {
    server_.count(Limit::players_per_stream, host_);
    session_.reject_play(stream_id,
                         {"error", "NetStream.Play.Failed", "The stream has too many players."});
    return false;
  }
  played_ = true;
  last_wish_.stream = name;
  playing_[stream_id] = std::make_unique<Playing>(*this, stream_id, stream, tracks);
  server_.fetch(stream, path_,
                [weak = weak_from_this(), &worker = driver_.worker(),
                 stream_id](const std::optional<Status>& refusal) {
                  boost::asio::dispatch(worker.context(), [weak, stream_id, refusal] {
                    const auto self = weak.lock();
                    if (self && self->driver_.open()) self->end_fetch(stream_id, refusal);
                  });
                });
  return playing_.contains(stream_id);
}

void Session::end_fetch(std::uint32_t stream_id, const std::optional<Status>& refusal) {
  if (refusal) {
    session_.reject_play(stream_id, *refusal);
    end_play(stream_id);
    end_visit(stream_id);
  } else {
    begin_play(stream_id);
  }
  handle_events();  // what waited behind the request
  driver_.flush();
}

// What belongs together leaves in one write: the statuses, headers and pictures.
void Session::begin_play(std::uint32_t stream_id) {
  session_.accept_play(stream_id);
  send_session_output();
  playing_.at(stream_id)->join();
  on_drained();
}

void Session::handle(MediaReceived& media) {
  std::optional<rtmp::Message> message = std::move(media.message);
  if (!rtmp::is_media(message->type)) message = clean_data(std::move(*message));
  if (message) take_media(std::move(*message), net::now());
}

void Session::take_media(rtmp::Message message, rtmp::Time now) {
  const auto publishing = publishing_.find(message.stream_id);
  if (publishing == publishing_.end()) return;
  publishing->second->heard = now;
  if (const auto visit = visits_.find(publishing->first); visit != visits_.end())
    visit->second->heard(message.timestamp);
  publishing->second->batch.push_back(std::move(message));
}

void Session::handle(StreamClosed& closed) { end_stream(closed.stream_id); }

void Session::end_play(std::uint32_t stream_id) {
  end_visit(stream_id);
  const auto playing = playing_.find(stream_id);
  if (playing == playing_.end()) return;
  lost_ += playing->second->queue().dropped();
  playing_.erase(playing);
}

void Session::end_stream(std::uint32_t stream_id) {
  end_play(stream_id);
  const auto found = publishing_.find(stream_id);
  if (found == publishing_.end()) return;
  const auto publishing = found->second;
  publishing->flush(net::now());
  publishing->end();
  publishing_.erase(found);
}

void Session::handle(PauseRequest& request) {
  const auto playing = playing_.find(request.stream_id);
  if (playing == playing_.end()) return;
  playing->second->pause(request.pause);
  session_.send_status(request.stream_id,
                       request.pause ? Status{"status", "NetStream.Pause.Notify", "Paused."}
                                     : Status{"status", "NetStream.Unpause.Notify", "Unpaused."});
}

void Session::handle(SeekRequest& request) {
  session_.send_status(request.stream_id,
                       {"error", "NetStream.Seek.Failed", "A live stream cannot seek."});
}

void Session::handle(ReceiveRequest& request) {
  const auto playing = playing_.find(request.stream_id);
  if (playing != playing_.end()) playing->second->receive(request.type, request.enabled);
}

}  // namespace relay
