// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_groups.h"

#include "elements/server_access.h"
#include "elements/server_doors.h"
#include "elements/server_log.h"
#include "elements/server_login.h"
#include "elements/server_tls.h"
#include "elements/server_token.h"

GST_DEBUG_CATEGORY_EXTERN(rtmp_server_debug);
#define GST_CAT_DEFAULT rtmp_server_debug

namespace server_groups {
namespace {

using relay::Server;
using server_properties::Values;

void log_certificates(const std::string& fault) {
  if (fault.empty())
    GST_INFO("new certificates are in use");
  else
    GST_WARNING("the old certificates stay in use. %s", fault.c_str());
}

void log_passwords(const std::string& fault) {
  if (fault.empty())
    GST_INFO("new passwords are in use");
  else
    GST_WARNING("the old passwords stay in use. %s", fault.c_str());
}

constexpr Group groups[] = {
    {server_access::has, server_access::add_to},
    {server_doors::has, server_doors::add_to},
    {server_token::has, server_token::add_to},
    {server_login::has,
     [](Server::Settings& settings, const Values& values, std::string& fault) {
       server_login::add_to(settings, values, log_passwords, fault);
     }},
    {server_log::has,
     [](Server::Settings& settings, const Values& values, std::string& fault) {
       server_log::add_to(settings, values, log_fault, fault);
     }},
    {server_tls::has, [](Server::Settings& settings, const Values& values, std::string& fault) {
       server_tls::add_to(settings, values, log_certificates, fault);
     }}};

constexpr Group plain = {[](std::string_view) { return true; },
                         [](Server::Settings& settings, const Values& values, std::string&) {
                           values.add_to(settings);
                         }};

}  // namespace

std::span<const Group> read_groups() { return groups; }

const Group& plain_group() { return plain; }

const Group& group_of(std::string_view property) {
  for (const Group& group : groups)
    if (group.has(property)) return group;
  return plain;
}

void log_fault(const std::string& fault) { GST_WARNING("%s", fault.c_str()); }

}  // namespace server_groups
