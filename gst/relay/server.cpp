// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/server.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>

#include "relay/forwards.h"
#include "relay/hooks.h"
#include "relay/login.h"
#include "relay/pulls.h"
#include "relay/session.h"
#include "rtmp/enhanced.h"
#include "rtmp/url.h"

namespace relay {
namespace {

// Of the connections of one host that wait for others of it to get to connect.
constexpr std::size_t longest_line = 1024;

Stream::Settings stream_settings(const Server::Settings& settings) {
  return {settings.chunk_size, settings.gop_cache, settings.publisher_grace};
}

constexpr char moved[] = "Please go on at another server.";

// A relay hands on every codec and track untouched.
rtmp::ConnectAnswer make_connect_answer(const std::string& route_id) {
  using Capabilities = rtmp::EnhancedCapabilities;
  Capabilities capabilities;
  capabilities.four_cc_list = {"*"};
  capabilities.video = capabilities.audio = {{"*", Capabilities::can_forward}};
  capabilities.caps_ex =
      Capabilities::multitrack | Capabilities::mod_ex | Capabilities::timestamp_nano_offset;
  rtmp::amf::Object properties;
  rtmp::write_enhanced_capabilities(capabilities, properties);
  properties.set(std::string(RoutePath::id_property), route_id);
  return rtmp::ConnectAnswer(properties);
}

// "127.0.0.1:4711" without the port.
std::string host_of(const std::string& address) { return address.substr(0, address.rfind(':')); }

}  // namespace

Server::Server(Settings settings, Observer& observer)
    : settings_(std::make_shared<const Settings>(std::move(settings))),
      observer_(observer),
      login_(std::make_shared<Login>(net::secure_random())),
      memory_(std::make_shared<Budget>(settings_->max_memory)),
      gop_memory_(std::make_shared<Budget>(settings_->max_memory / 2)),
      connect_answer_(make_connect_answer(route_id_)),
      forwards_(std::make_unique<Forwards>(*this)),
      pulls_(std::make_unique<Pulls>(*this)),
      hub_(stream_settings(*settings_), stream_hooks()),
      http_door_([this](Visitor visitor) { welcome(std::move(visitor)); }),
      workers_(settings_->threads),
      since_(net::now()) {
  for (std::size_t i = 0; i < workers_.size(); ++i)
    rooms_.try_emplace(&workers_[i], workers_[i], settings_->latency);
}

Server::~Server() {
  stop();
  desk_->close();
}

std::shared_ptr<const Server::Settings> Server::settings() const {
  const std::lock_guard lock(changing_);
  return settings_;
}

void Server::change(Settings settings) {
  memory_->set_limit(settings.max_memory);
  gop_memory_->set_limit(settings.max_memory / 2);
  hub_.change(stream_settings(settings));
  auto changed = std::make_shared<const Settings>(std::move(settings));
  {
    const std::lock_guard lock(changing_);
    settings_.swap(changed);
  }
  for (const auto& session : sessions()) session->on_settings();
}

Stream::Hooks Server::stream_hooks() {
  Stream::Hooks hooks;
  hooks.on_change = [this](const std::string& name, bool published) {
    forwards_->on_change(name, published);
    pulls_->on_change(name, published);
    if (published) {
      observer_.on_stream_published(name);
    } else {
      observer_.on_stream_unpublished(name);
    }
  };
  hooks.later = [this](rtmp::Duration time, std::function<void()> call) {
    call_later(time, std::move(call));
  };
  hooks.on_deserted = [this](const std::string& name) { pulls_->on_deserted(name); };
  hooks.on_limit = [this](Limit limit, const std::string& name) {
    count(limit, rtmp::masked_name(name));
  };
  hooks.memory = memory_;
  hooks.gop_memory = gop_memory_;
  return hooks;
}

// The timer lives as long as it runs, or the worker.
void Server::call_later(rtmp::Duration time, std::function<void()> call) {
  const auto timer = std::make_shared<boost::asio::steady_timer>(workers_.first().context(), time);
  timer->async_wait([timer, call = std::move(call)](const net::error_code& error) {
    if (!error) call();
  });
}

net::error_code Server::start() {
  auto listener = std::make_unique<net::Listener>(
      workers_, [this](net::Worker& worker, net::Socket socket, const net::Endpoint& peer) {
        accept(worker, std::move(socket), net::to_text(peer));
      });
  const auto settings = this->settings();
  {
    const std::lock_guard lock(mutex_);
    open_ = true;  // clients may wait already, at sockets of systemd
  }
  const net::error_code error =
      listener->listen(settings->address, settings->port, settings->unix_mode);
  if (error) {
    close_doors();
    return error;
  }
  port_ = listener->port();
  const std::scoped_lock lock(listening_, mutex_);
  addresses_ = listener->addresses();
  listener_ = std::move(listener);
  start_sampling();
  return {};
}

void Server::stop_listening() {
  const std::lock_guard lock(listening_);
  if (listener_) listener_->close();
  listener_.reset();
  port_ = 0;
  close_doors();
}

void Server::stop() {
  stop_listening();
  stop_sampling();
  for (const auto& stream : hub_.all()) stream->stop_waiting();
  for (const auto& session : sessions()) session->leave();
  wait_for_sessions();
  http_door_.close();
  wait_for_http_clients();
  const auto settings = this->settings();
  pulls_->stop();
  forwards_->stop(settings->drain_timeout);
  if (settings->hooks) settings->hooks->wait(settings->drain_timeout);
}

void Server::wait_for_sessions() {
  std::unique_lock lock(mutex_);
  const auto all_gone = [this] { return empty(); };
  if (gone_.wait_for(lock, settings()->drain_timeout, all_gone)) return;
  lock.unlock();
  for (const auto& session : sessions()) session->kick(rtmp::Error::cancelled);
  lock.lock();
  gone_.wait(lock, all_gone);
}

// With the lock held.
bool Server::empty() const { return sessions_.empty() && waiting_ == 0 && readers_.empty(); }

void Server::wait_for_http_clients() {
  std::unique_lock lock(mutex_);
  gone_.wait(lock, [this] { return http_clients_ == 0; });
}

std::string Server::addresses() const {
  const std::lock_guard lock(mutex_);
  return addresses_;
}

// --- clients
// ---------------------------------------------------------------------------------------

void Server::accept(net::Worker& worker, net::Socket socket, const std::string& address) {
  const auto settings = this->settings();
  if (settings->proxies && settings->proxies->contain(address)) {
    hear_proxy(worker, std::move(socket), address);
    return;
  }
  welcome({&worker, net::make_plain_stream(std::move(socket)), address, net::now()});
}

void Server::welcome(Visitor visitor) {
  const std::string host = host_of(visitor.address);
  std::unique_lock lock(mutex_);
  const auto limit = enqueue(visitor);
  lock.unlock();
  if (limit) count(*limit, host);
}

// A proxy's clients count for themselves, once it has said who they are.
void Server::hear_proxy(net::Worker& worker, net::Socket socket, const std::string& address) {
  const auto reader = std::make_shared<net::ProxyReader>(
      worker, std::move(socket),
      [this, &worker, address](net::ProxyReader& one,
                               const rtmp::Result<net::ProxyHeader>& header) {
        on_proxy_header(one, worker, address, header);
      });
  const auto settings = this->settings();
  std::unique_lock lock(mutex_);
  const bool full = readers_.size() >= settings->max_connections;
  if (full) {
    ++refused_;
  } else {
    readers_[reader.get()] = reader;
  }
  lock.unlock();
  if (full) {
    count(Limit::connections, host_of(address));
  } else {
    reader->start(settings->proxy_timeout);
  }
}

// As long as the reader is in the list the server stays.
void Server::on_proxy_header(net::ProxyReader& reader, net::Worker& worker,
                             const std::string& address,
                             const rtmp::Result<net::ProxyHeader>& header) {
  const std::string client = header ? header->client.value_or(address) : address;
  std::optional<Limit> limit;
  Visitor visitor{&worker, nullptr, client, net::now()};  // goes, if refused, once it is counted
  std::unique_lock lock(mutex_);
  if (header && open_) {
    visitor.stream = net::make_plain_stream(reader.take_socket());
    limit = enqueue(visitor);
  } else {
    ++refused_;
    if (!header && header.error() != rtmp::Error::cancelled) limit = Limit::proxy_header;
  }
  lock.unlock();
  if (limit) count(*limit, host_of(client));
  lock.lock();
  readers_.erase(&reader);
  gone_.notify_all();
}

// Takes the client, or answers the limit that keeps it out. With the lock held.
std::optional<Limit> Server::enqueue(Visitor& visitor) {
  const std::string name = host_of(visitor.address);
  Host& host = hosts_[name];
  if (const auto limit = limit_before(host, visitor.way)) {
    ++refused_;
    forget_if_empty(name);
    return limit;
  }
  ++host.connections;
  ++waiting_;
  host.line.push(std::move(visitor));
  admit(name, host);
  return std::nullopt;
}

// Whom an HTTP client has become is not counted twice.
std::optional<Limit> Server::limit_before(const Host& host, Way way) const {
  const auto settings = this->settings();
  const bool direct = way == Way::direct;
  const std::size_t all = sessions_.size() + waiting_ + (direct ? http_clients_ : 0);
  const std::size_t of_host = host.connections + (direct ? host.http_clients : 0);
  if (all >= settings->max_connections) return Limit::connections;
  if (settings->max_connections_per_host > 0 && of_host >= settings->max_connections_per_host)
    return Limit::connections_per_host;
  if (host.line.size() >= longest_line) return Limit::connections_in_line;
  return memory_->exceeded() ? std::optional(Limit::memory) : std::nullopt;
}

// Who opens many connections at once is served as fast as it goes on with those that it has.
void Server::admit(const std::string& name, Host& host) {
  const std::size_t most = settings()->max_unconnected_per_host;
  while (!host.line.empty() && host.unconnected < most) {
    Visitor next = host.line.pop();
    net::Worker& worker = *next.worker;
    boost::asio::post(worker.context(), [this, name, visitor = std::move(next)]() mutable {
      begin(name, std::move(visitor));
    });
    ++host.unconnected;
  }
}

// On the visitor's worker.
void Server::begin(const std::string& host, Visitor visitor) {
  net::Worker& worker = *visitor.worker;
  const auto settings = this->settings();
  const bool late = net::now() >= visitor.since + settings->handshake_timeout;
  const std::string address = visitor.address;
  if (settings->tls && visitor.way == Way::direct)
    visitor.stream = settings->tls->wrap(std::move(visitor.stream->socket()), net::now());
  Room& room = rooms_.at(&worker);
  const auto session =
      std::make_shared<Session>(*this, room.hall, std::move(visitor), next_id_++, host);
  if (late) count(Limit::connections_in_line, host);
  {
    const std::lock_guard lock(mutex_);
    --waiting_;
    if (late || !open_) {
      ++refused_;
      leave(host, false);
      return;
    }
    ++accepted_;
    sessions_[session->id()] = session;
  }
  room.sessions[session->id()] = session;
  observer_.on_client_added(session->id(), address);
  session->start();
}

void Server::close_doors() {
  const std::lock_guard lock(mutex_);
  open_ = false;
  addresses_.clear();
  for (const auto& [key, reader] : readers_) reader->cancel();
  for (auto& [name, host] : hosts_) {
    waiting_ -= host.line.size();
    host.connections -= host.line.size();
    host.line.clear();
  }
  std::erase_if(hosts_, [](const auto& entry) { return entry.second.empty(); });
}

void Server::connected(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Host& host = hosts_.at(name);
  --host.unconnected;
  admit(name, host);
}

void Server::leave(const std::string& name, bool connected) {
  Host& host = hosts_.at(name);
  if (!connected) --host.unconnected;
  admit(name, host);
  --host.connections;
  forget_if_empty(name);
  gone_.notify_all();
}

void Server::forget_if_empty(const std::string& host) {
  const auto found = hosts_.find(host);
  if (found->second.empty()) hosts_.erase(found);
}

void Server::take_http_client(net::Worker& worker, std::unique_ptr<net::ByteStream> stream,
                              std::vector<std::uint8_t> first, const std::string& address,
                              const std::string& host) {
  {
    const std::lock_guard lock(mutex_);
    ++hosts_[host].http_clients;
    ++http_clients_;
  }
  const auto settings = this->settings();
  http_door_.admit(worker, std::move(stream), std::move(first), address,
                   {.protocols = settings->protocols,
                    .cors_origin = settings->cors_origin,
                    .first_request = settings->handshake_timeout,
                    .on_limit = [this, host](Limit limit) { count(limit, host); }},
                   [this, host] { leave_http(host); });
}

void Server::leave_http(const std::string& name) {
  const std::lock_guard lock(mutex_);
  --http_clients_;
  --hosts_.at(name).http_clients;
  forget_if_empty(name);
  gone_.notify_all();
}

void Server::forget(const Session& session) {
  const Session::Traffic last = session.traffic();
  rooms_.at(&session.worker()).sessions.erase(session.id());
  const std::lock_guard lock(mutex_);
  bytes_in_ += last.bytes_in;
  bytes_out_ += last.bytes_out;
  frames_dropped_ += last.frames_dropped;
  sessions_.erase(session.id());
  leave(session.host(), session.connected());
}

void Server::count(Limit limit, const std::string& who) {
  const std::uint64_t count = limits_.add(limit);
  if (moderator_.admits(who + " " + std::string(to_name(limit)), net::now()))
    observer_.on_limit(limit, who, count);
}

bool Server::kick(std::uint64_t client_id) {
  const std::lock_guard lock(mutex_);
  const auto session = sessions_.find(client_id);
  if (session == sessions_.end()) return false;
  session->second->kick(rtmp::Error::cancelled);
  return true;
}

std::size_t Server::drop_stream(const std::string& name) {
  std::size_t count = 0;
  on_each_session([&](Session& session) {
    if (session.drop(name)) ++count;
  });
  return count;
}

bool Server::redirect(std::uint64_t client_id, const std::string& tc_url) {
  const std::lock_guard lock(mutex_);
  const auto session = sessions_.find(client_id);
  return session != sessions_.end() && session->second->ask_to_reconnect(tc_url, moved);
}

std::size_t Server::redirect_stream(const std::string& name, const std::string& tc_url) {
  std::size_t count = 0;
  on_each_session([&](Session& session) {
    if (session.has(name) && session.ask_to_reconnect(tc_url, moved)) ++count;
  });
  return count;
}

void Server::drain(rtmp::Duration time) {
  stop_listening();
  for (const auto& session : sessions()) {
    session->ask_to_reconnect({}, "The server is about to stop.");
    call_later(time, [weak = std::weak_ptr(session)] {
      if (const auto left = weak.lock()) left->kick(rtmp::Error::cancelled);
    });
  }
}

void Server::in_each_room(const std::function<void(Room&)>& call) {
  for (auto& [worker, room] : rooms_) {
    std::promise<void> done;
    boost::asio::post(worker->context(), [&, &room = room] {
      call(room);
      done.set_value();
    });
    done.get_future().wait();
  }
}

void Server::on_each_session(const std::function<void(Session&)>& call) {
  in_each_room([&](Room& room) {
    for (const auto& [id, session] : room.sessions) call(*session);
  });
}

std::vector<std::shared_ptr<Session>> Server::sessions() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Session>> all;
  for (const auto& [id, session] : sessions_) all.push_back(session);
  return all;
}

// --- other servers
// -----------------------------------------------------------------------------------

std::uint64_t Server::forward(const std::string& pattern, const std::string& url) {
  std::string fault;
  auto read = RouteRules::read_url(url, fault);
  return read ? forwards_->add(pattern, std::move(*read)) : 0;
}

bool Server::forward_once(const std::string& name, const std::string& url) {
  std::string fault;
  const auto read = RouteRules::read_url(url, fault);
  if (read) forwards_->add_once(name, *read);
  return read.has_value();
}

bool Server::stop_forward(std::uint64_t id) { return forwards_->remove(id); }

bool Server::pull(const std::string& name, const std::string& url) {
  std::string fault;
  auto read = RouteRules::read_url(url, fault);
  if (read) pulls_->add(name, std::move(*read));
  return read.has_value();
}

void Server::fetch(const std::shared_ptr<Stream>& stream, const RoutePath& path,
                   std::function<void(const std::optional<rtmp::Status>&)> answer) {
  pulls_->ask(stream, path, std::move(answer));
}

bool Server::is_own(const rtmp::Url& url) const {
  return url.port == port() && is_own_host(url.host, settings()->address);
}

// --- figures
// ---------------------------------------------------------------------------------------

void Server::start_sampling() {
  sampling_ = true;
  call_later(Meter<1>::interval, [this] { sample(); });
}

// No sampling is under way any more, or comes.
void Server::stop_sampling() {
  sampling_ = false;
  in_each_room([](Room&) {});
}

// On the first worker; the last one that is done goes on with the streams, which the others have
// brought up to date.
void Server::sample() {
  if (!sampling_) return;
  const auto left = std::make_shared<std::atomic<std::size_t>>(rooms_.size());
  for (auto& [worker, room] : rooms_)
    boost::asio::post(worker->context(), [this, left, &room = room] {
      const rtmp::Time now = net::now();
      for (const auto& [id, session] : room.sessions) {
        session->sample(now);
        session->report();
      }
      if (--*left > 0) return;
      for (const auto& stream : hub_.all()) stream->sample(now);
    });
  call_later(Meter<1>::interval, [this] { sample(); });
}

Server::Stats Server::totals() const {
  Stats stats;
  stats.uptime = net::now() - since_;
  stats.memory = memory_->used();
  stats.gop_memory = gop_memory_->used();
  stats.limits = limits_.all();
  if (const auto log = settings()->access_log) stats.log_lines_lost = log->lost();
  const std::lock_guard lock(mutex_);
  stats.connections_accepted = accepted_;
  stats.connections_refused = refused_;
  stats.bytes_in = bytes_in_;
  stats.bytes_out = bytes_out_;
  stats.frames_dropped = frames_dropped_;
  return stats;
}

void Server::add_client(Stats& stats, ClientStats client) {
  stats.bytes_in += client.bytes_in;
  stats.bytes_out += client.bytes_out;
  stats.bit_rate_in += client.bit_rate_in;
  stats.bit_rate_out += client.bit_rate_out;
  stats.frames_dropped += client.frames_dropped;
  ++stats.clients;
  if (client.state == "publishing") ++stats.publishers;
  if (client.state == "playing") ++stats.players;
  stats.client_list.push_back(std::move(client));
}

Server::Stats Server::stats() {
  Stats stats = totals();
  in_each_room([&](Room& room) {
    const rtmp::Time now = net::now();
    for (const auto& [id, session] : room.sessions) {
      session->report();
      add_client(stats, session->stats(now));
    }
    stats.delays += room.hall.delays();
  });
  stats.forwards = forwards_->stats();
  stats.pulls = pulls_->stats();
  for (const auto& stream : hub_.all())
    stats.streams.emplace_back(stream->name(), stream->stats(net::now()));
  std::ranges::sort(stats.streams, {}, [](const auto& entry) { return entry.first; });
  std::ranges::sort(stats.client_list, {}, &ClientStats::id);
  return stats;
}

}  // namespace relay
