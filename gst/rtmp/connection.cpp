// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/connection.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace rtmp {
namespace {

// The clock that peers see in handshakes and pings: ms, modulo 2^32.
std::uint32_t wire_clock(Time now) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
}

}  // namespace

// What comes is decrypted into memory of its own, and what leaves is encrypted in one piece when it
// is about to be written.
struct Connection::Cipher {
  Bytes decrypt(Bytes bytes) {
    decrypted.resize(bytes.size());
    keys->in.apply(bytes, decrypted);
    return decrypted;
  }

  std::unique_ptr<rtmpe::Ciphers> keys;
  std::size_t ready;  // bytes of the output, from its front, that are as they are to be written
  std::vector<std::uint8_t> decrypted = {};  // while there is input
};

Connection::Connection(Connection&&) noexcept = default;
Connection::~Connection() = default;

Connection Connection::client(Settings settings, Time now, const Random& random) {
  return {settings, now,
          std::make_unique<ClientHandshake>(settings.handshake, wire_clock(now), random)};
}

Connection Connection::server(Settings settings, Time now, const Random& random) {
  return {settings, now,
          std::make_unique<ServerHandshake>(wire_clock(now), random, settings.accepts)};
}

Connection Connection::flv(FlvRequest request, Time now) {
  Connection connection({}, now, std::monostate());
  connection.flv_ = std::make_unique<FlvClient>(std::move(request));
  connection.established_ = true;
  return connection;
}

Connection::Connection(Settings settings, Time now, Handshake handshake)
    : settings_(settings),
      start_(now),
      now_(now),
      heard_(now),
      chunks_since_(now),
      handshake_(std::move(handshake)),
      reader_(settings.limits) {
  if (auto* client = std::get_if<std::unique_ptr<ClientHandshake>>(&handshake_))
    output_.push(Buffer::adopt((*client)->take_output()));
}

void Connection::receive(Bytes bytes, Time now) {
  if (!input_.empty() && readable_) readable_ = Error::cancelled;
  input_ = cipher_ ? cipher_->decrypt(bytes) : bytes;
  now_ = now;
  heard_ = now;
  ping_sent_.reset();
  stats_.bytes_in += bytes.size();
  if (!stats_.first_byte && !bytes.empty()) stats_.first_byte = bytes.front();
  if (flv_) flv_->receive(bytes);
  if (now - chunks_since_ >= std::chrono::seconds(1)) {
    chunks_since_ = now;
    reader_.begin_second();
  }
}

Result<std::optional<Message>> Connection::next_message() {
  if (!readable_) return readable_.error();
  Result<std::optional<Message>> message = read_message();
  if (!message) readable_ = message.error();
  return message;
}

Result<std::optional<Message>> Connection::read_message() {
  if (flv_) return read_flv();
  if (!established_) {
    const Result<void> shaken = shake_hands();
    if (!shaken) return shaken.error();
    if (!established_) return std::nullopt;
  }
  while (true) {
    Result<std::optional<Message>> message = reader_.read(input_);
    if (!message) return message;
    if (!*message) {
      if (cipher_) cipher_->decrypted = {};
      acknowledge_if_due();
      return std::nullopt;
    }
    ++stats_.messages_in;
    const Result<Recipient> recipient = maintain(**message);
    if (!recipient) return recipient.error();
    if (*recipient == Recipient::session) return message;
  }
}

Result<std::optional<Message>> Connection::read_flv() {
  input_ = {};
  Result<std::optional<Message>> message = flv_->next_message(output_);
  if (message && *message) ++stats_.messages_in;
  return message;
}

Result<void> Connection::shake_hands() {
  Handshake left;
  const auto step = [&](auto& handshake) -> Result<void> {
    const Result<void> received = handshake.receive(input_, wire_clock(now_));
    if (!received) return received;
    output_.push(Buffer::adopt(handshake.take_output()));
    established_ = handshake.done();
    if (!established_) return {};
    start_cipher(handshake.take_ciphers());
    if (settings_.keep_swf_key) left = std::make_unique<swf::Key>(handshake.swf_key());
    return {};
  };
  const auto* client = std::get_if<std::unique_ptr<ClientHandshake>>(&handshake_);
  const Result<void> stepped =
      client ? step(**client) : step(*std::get<std::unique_ptr<ServerHandshake>>(handshake_));
  if (established_) handshake_ = std::move(left);
  return stepped;
}

// What the handshake has still to send stays as it is; what came behind it does not.
void Connection::start_cipher(std::unique_ptr<rtmpe::Ciphers> ciphers) {
  if (!ciphers) return;
  cipher_ = std::make_unique<Cipher>(Cipher{std::move(ciphers), output_.size()});
  input_ = cipher_->decrypt(input_);
}

Result<Connection::Recipient> Connection::maintain(const Message& message) {
  using namespace control;
  if (!is_control(message.type)) return Recipient::session;
  const Result<Control> control = control::read(message);
  if (!control) return control.error();
  if (const auto* size = std::get_if<SetChunkSize>(&*control)) {
    const Result<void> set = reader_.set_chunk_size(size->size);
    if (!set) return set.error();
    stats_.chunk_size_in = reader_.chunk_size();
  } else if (const auto* abort = std::get_if<Abort>(&*control)) {
    reader_.abort(abort->chunk_stream_id);
  } else if (const auto* acknowledged = std::get_if<Acknowledgement>(&*control)) {
    stats_.acknowledged_out = acknowledged->received;
  } else if (const auto* window = std::get_if<WindowAckSize>(&*control)) {
    if (window->size > 0) stats_.window_in = window->size;
  } else if (const auto* bandwidth = std::get_if<SetPeerBandwidth>(&*control)) {
    answer_bandwidth(bandwidth->size);
  } else {
    if (!answer_ping(std::get<UserControl>(*control))) return Recipient::session;
  }
  return Recipient::connection;
}

// §5.4.5: with Window Acknowledgement Size, unless the last one already said so. Nobody limits the
// rate by it.
void Connection::answer_bandwidth(std::uint32_t window) {
  if (window > 0 && window != stats_.window_out)
    send(control::write(control::WindowAckSize{window}));
}

bool Connection::answer_ping(const control::UserControl& control) {
  if (control.event == control::Event::ping_request) {
    send(control::write(control::UserControl{control::Event::ping_response, control.value}));
    return true;
  }
  if (control.event != control::Event::ping_response) return false;
  const std::uint32_t elapsed = wire_clock(now_) - control.value;
  if (elapsed < 60'000) stats_.ping_round_trip = std::chrono::milliseconds(elapsed);
  return true;
}

// §5.4.3: the total so far, after each window of bytes.
void Connection::acknowledge_if_due() {
  if (stats_.window_in == 0 || stats_.bytes_in - stats_.acknowledged_in < stats_.window_in) return;
  stats_.acknowledged_in = stats_.bytes_in;
  send(
      control::write(control::Acknowledgement{static_cast<std::uint32_t>(stats_.acknowledged_in)}));
}

void Connection::send(const Message& message) {
  assert(established_);
  if (flv_) return flv_->send(message, output_);
  writer_.write(message, chunk_stream::id_for(message.type), output_);
  ByteReader payload(message.payload);
  if (message.type == MessageType::set_chunk_size) {
    stats_.chunk_size_out = payload.u32();
    writer_.set_chunk_size(stats_.chunk_size_out);
  } else if (message.type == MessageType::window_ack_size) {
    stats_.window_out = payload.u32();
  }
}

void Connection::send(const EncodedMessage& message) {
  assert(established_ && !flv_);
  writer_.forget();
  for (const Buffer& segment : message.segments) output_.push(segment);
}

void Connection::sent(std::size_t bytes) {
  assert(established_ && output_.empty() && shares_bytes());
  writer_.forget();
  stats_.bytes_out += bytes;
}

const swf::Key& Connection::swf_key() const {
  assert(established_ && settings_.keep_swf_key);
  return *std::get<std::unique_ptr<swf::Key>>(handshake_);
}

std::size_t Connection::gather(std::span<Bytes> spans) {
  if (!cipher_) return output_.gather(spans);
  if (cipher_->ready == 0) encrypt_output();
  const std::size_t filled = output_.gather(spans);
  std::size_t left = cipher_->ready;
  for (std::size_t i = 0; i < filled; ++i) {
    if (left == 0) return i;
    spans[i] = spans[i].first(std::min(left, spans[i].size()));
    left -= spans[i].size();
  }
  return filled;
}

// Shared payloads are copied: each connection has its own key. The cipher is called once for all.
void Connection::encrypt_output() {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(output_.size());
  std::array<Bytes, 64> spans;
  while (!output_.empty()) {
    const std::size_t before = bytes.size();
    for (Bytes span : std::span(spans).first(output_.gather(spans)))
      bytes.insert(bytes.end(), span.begin(), span.end());
    output_.consume(bytes.size() - before);
  }
  cipher_->keys->out.apply(bytes);
  cipher_->ready = bytes.size();
  output_.push(Buffer::adopt(std::move(bytes)));
}

void Connection::written(std::size_t count) {
  if (cipher_) {
    assert(count <= cipher_->ready);
    cipher_->ready -= count;
  }
  output_.consume(count);
  stats_.bytes_out += count;
}

Connection::Stats Connection::stats() const { return stats_; }

Time Connection::deadline() const {
  if (!established_) return start_ + settings_.handshake_timeout;
  if (settings_.ping_interval == Duration::zero()) return never;
  return ping_sent_.value_or(heard_) + settings_.ping_interval;
}

Result<void> Connection::tick(Time now) {
  now_ = now;
  if (now < deadline()) return {};
  if (!established_) return Error::handshake_timeout;
  if (ping_sent_) return Error::idle_timeout;
  ping_sent_ = now;
  send(control::write(control::UserControl{control::Event::ping_request, wire_clock(now)}));
  return {};
}

}  // namespace rtmp
