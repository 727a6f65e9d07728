// FLV for clients that speak HTTP: as the answer to a GET, in the messages of a WebSocket, and as
// the body of a POST or PUT.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "net/socket_pair.h"
#include "relay/http_exchange.h"
#include "rtmp/flv_client.h"

namespace relay {

// What "/app/stream.flv?query" asks for, with what the headers tell of the client; nothing if the
// target is another.
std::optional<rtmp::FlvRequest> read_flv_request(const http::fields& headers,
                                                 std::string_view target, bool secure);

// Whether pages of the request's origin may use it: those of the server itself, and those that
// `allowed` names, of which there may be some with commas between, or "*". What is no page's has
// none.
bool allows_origin(const http::fields& headers, std::string_view allowed, bool secure);
// Tells the page's browser so, if there is a page.
void add_origin(const http::fields& headers, http::fields& answer);

// Where the session is that they carry for says '+' first if it takes the client, or '-'.
constexpr char yes[] = "+", no[] = "-";
// A publisher's request, of which the head has been read: whether another may follow.
awaitable<bool> carry_publisher(HttpExchange& exchange, HttpExchange::Head& head,
                                net::LocalSocket carrier, rtmp::Duration silence);
// A player that wants a WebSocket, to its end.
awaitable<void> carry_player(HttpExchange& exchange, http::request<http::empty_body> request,
                             net::LocalSocket carrier);

}  // namespace relay
