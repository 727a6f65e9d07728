// A named stream: what its publisher sends, what late players need, and who listens.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "relay/frame.h"
#include "relay/limits.h"
#include "relay/look.h"
#include "relay/route_path.h"
#include "relay/timeline.h"

namespace relay {

struct GopCacheLimits {
  bool enabled = true;
  std::int64_t ms = 10'000;
  std::size_t bytes = 32 * 1024 * 1024;
  std::size_t frames = 3000;
};

enum class StartAt {
  gop,       // with all frames since the last key frame
  keyframe,  // with the next key frame (audio at once)
  live,      // with whatever comes next
  catch_up,  // as gop, but so that it is through with the pictures at once
};

// What gets a stream's frames: the players of one worker, or an element. Calls come on any thread,
// under the stream's lock: they must be short and not call back into the stream.
class Subscriber {
 public:
  virtual ~Subscriber() = default;
  // Frames and notices in order.
  virtual void on_frames(std::span<const FramePtr> frames) = 0;
};

// Who publishes: at most one at a time.
class Publisher {
 public:
  virtual ~Publisher() = default;
  // Somebody else takes the name over: the publisher is no longer heard. Under the stream's lock,
  // on any thread.
  virtual void on_replaced() = 0;
  // How many players there are now: when the publisher comes, and when one has subscribed or left.
  // As on_replaced().
  virtual void on_players(std::size_t /*count*/) {}
  // Whether any other publisher may take the name over.
  virtual bool yields() const { return false; }
  // The servers that the stream came by.
  virtual RoutePath path() const { return {}; }
};

// What a player gets before the live frames: metadata and headers, then the GOP.
struct Snapshot {
  std::vector<FramePtr> frames;
  std::uint64_t last_sequence = 0;  // frames up to this one are in it, or too old
  bool published = false;
};

// Any thread may call; one lock, taken per batch.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  struct Settings {
    std::uint32_t chunk_size = 60'000;
    GopCacheLimits gop_cache;
    // How long players of a publisher that went away hear nothing of it.
    rtmp::Duration publisher_grace = {};
  };
  struct Hooks {
    // Told that a publisher has come or gone, in the order in which that happens, on the thread
    // that did it. It may ask the stream and subscribe, but neither publish nor unpublish.
    std::function<void(const std::string& name, bool published)> on_change;
    // Calls once the time is over, on any thread, but not from within. Needed for publisher_grace.
    std::function<void(rtmp::Duration, std::function<void()>)> later;
    // The last player has gone.
    std::function<void(const std::string& name)> on_deserted;
    // A publisher goes over a limit.
    std::function<void(Limit, const std::string& name)> on_limit;
    // Of all frames, and of those that are kept for late players. May be null.
    std::shared_ptr<Budget> memory, gop_memory;
  };

  Stream(std::string name, Settings settings, Hooks hooks = {});

  const std::string& name() const { return name_; }
  // From now on; the chunk size stays, for players have been told it.
  void change(const Settings& settings);

  // --- the publisher's side ---
  enum class Duplicate { reject, takeover, takeover_if_idle };
  // Null `publisher` never. False if the name is taken and the policy keeps it so. A publisher
  // counts as idle after `idle_after` without a frame.
  bool publish(std::shared_ptr<Publisher> publisher, Duplicate policy, rtmp::Duration idle_after,
               rtmp::Time now);
  // Takes the messages' payloads. Ignored if `publisher` is not the stream's (any more).
  void push(const Publisher& publisher, std::span<rtmp::Message> batch, rtmp::Time now);
  // The publisher ends; its headers and GOP go with it. Ignored if it is not the stream's.
  void unpublish(const Publisher& publisher);
  // Tells the players of a publisher that went away: it is no longer waited for.
  void stop_waiting();

  // --- the players' side ---
  // Adds the subscriber unless it is there, and says what comes before its first frame.
  // A subscriber that stands for many players calls it for each.
  Snapshot subscribe(const std::shared_ptr<Subscriber>& subscriber, StartAt start);
  void unsubscribe(const Subscriber& subscriber);
  // Counts one more player, which then subscribes, or is subscribed for.
  bool add_player(std::size_t limit);  // 0: no limit. False if there are as many already
  void remove_player();
  std::size_t players() const;

  // What a player was sent in addition.
  void count_bytes_out(std::uint64_t bytes) {
    bytes_out_.fetch_add(bytes, std::memory_order_relaxed);
  }

  // --- figures ---
  using Stats = StreamStats;
  // Every Meter::interval.
  void sample(rtmp::Time now);
  Stats stats(rtmp::Time now) const;
  bool published() const;
  RoutePath path() const;  // of the publisher

 private:
  using Meters = Meter<5>;

  struct TrackKey {
    rtmp::MessageType type;
    rtmp::media::Summary::Kind kind;
    std::uint8_t track_id;
    auto operator<=>(const TrackKey&) const = default;
  };

  void announce(Frame::Notice notice);
  bool ends_early(const rtmp::Message& message, const rtmp::media::Summary& summary) const;
  void remember(const FramePtr& frame);
  void count(const Frame& frame);
  FramePtr header_of(rtmp::MessageType type) const;
  Meters::Counts counts() const;
  void cache(const FramePtr& frame);
  void begin_gop(const Frame& key);
  void keep_gop_within_limits();
  std::optional<Limit> limit_of_gop() const;
  void forget_gop();
  void forget_publisher();
  void wait_for_publisher();
  void end_wait(std::uint64_t number);
  void report(bool published);
  Snapshot snapshot(StartAt start) const;
  std::vector<FramePtr> gop_for(StartAt start) const;

  const std::string name_;
  const Hooks hooks_;

  std::mutex change_mutex_;   // held while the publisher changes, on_change included; before mutex_
  mutable std::mutex mutex_;  // guards everything below
  Settings settings_;
  std::shared_ptr<Publisher> publisher_;
  rtmp::Time heard_ = {};    // when the publisher last sent a frame
  bool waiting_ = false;     // for a publisher that went away
  std::uint64_t waits_ = 0;  // since the beginning
  Timeline timeline_;
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
  FramePtr metadata_;
  std::map<TrackKey, FramePtr> headers_;
  std::vector<FramePtr> gop_;
  std::set<int> gop_tracks_;  // those of pictures
  std::size_t gop_bytes_ = 0;
  Budget::Share gop_memory_;
  std::optional<Limit> gone_over_;  // to be told
  std::uint64_t sequence_ = 0;
  Stats stats_;  // with the players; what is counted of it
  Look look_;    // without headers and metadata
  rtmp::Time published_at_ = {};
  Meters meter_;
  std::atomic<std::uint64_t> bytes_out_ = 0;  // not guarded
};

}  // namespace relay
