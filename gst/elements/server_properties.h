// The properties that all elements of a server have, and what one element set of them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "relay/server.h"

namespace server_properties {

enum Id : guint {
  first = 1,
  current_port = 100,
  current_http_port,
  stats,
  first_of_element,  // an element's own begin here
};

// Of properties that count from then on where they are set while the server runs; others have
// GST_PARAM_MUTABLE_READY.
constexpr auto changeable = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                     GST_PARAM_MUTABLE_PLAYING);

// On the element's class, with ids below first_of_element.
void install(GObjectClass* klass);

// Where a server listens, which says which one it is.
struct Place {
  std::string address;
  std::uint16_t port = 0;  // any; or the address has none (net::has_port())

  // Whether it is the same for all who name it.
  bool is_certain() const;
  std::string to_text() const;
  bool operator==(const Place&) const = default;
};

// The values that were set explicitly, by name; the others have their default.
class Values {
 public:
  // `klass` has the properties installed.
  explicit Values(GObjectClass* klass);
  Values(const Values& other);

  void set(const GParamSpec* spec, const GValue* value);
  // As the other has it, set or not.
  void take(const Values& other, const char* name);
  void get(const GParamSpec* spec, GValue* value) const;
  const GValue* find(const char* name) const;  // set or default
  std::string text(const char* name) const;    // of a string; empty if it is null
  bool is_set(const char* name) const { return gst_structure_has_field(set_.get(), name); }
  // All that one server's elements must agree on, of what was set here.
  std::vector<std::string> names_set() const;
  // Takes over what `other` sets and these do not.
  void merge(const Values& other);
  // Equal, be it by default.
  bool agrees(const Values& other, const char* name) const;
  std::string to_text(const char* name) const;

  Place place() const;
  void add_to(relay::Server::Settings& settings) const;

 private:
  struct FreeStructure {
    void operator()(GstStructure* structure) const { gst_structure_free(structure); }
  };

  guint number(const char* name) const { return g_value_get_uint(find(name)); }
  guint64 big_number(const char* name) const { return g_value_get_uint64(find(name)); }

  GObjectClass* klass_;
  std::unique_ptr<GstStructure, FreeStructure> set_;
};

}  // namespace server_properties
