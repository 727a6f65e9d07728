// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <memory>

#include "elements/pipeline.h"

namespace rtmp::test {
namespace {

struct Element {
  explicit Element(const std::string& name)
      : element(gst_element_factory_make(name.c_str(), nullptr)) {
    gst_object_ref_sink(element);
  }
  ~Element() {
    gst_element_set_state(element, GST_STATE_NULL);
    gst_object_unref(element);
  }
  std::string text(const char* property) const {
    gchar* value = nullptr;
    g_object_get(element, property, &value, nullptr);
    std::string result = value ? value : "";
    g_free(value);
    return result;
  }
  int number(const char* property) const {
    int value = 0;
    g_object_get(element, property, &value, nullptr);
    return value;
  }
  // The refusal's domain code and text; 0 if it was taken.
  std::pair<int, std::string> set_uri(const char* uri) const {
    GError* error = nullptr;
    if (gst_uri_handler_set_uri(GST_URI_HANDLER(element), uri, &error)) return {0, ""};
    std::pair<int, std::string> refusal(error->code, error->message);
    g_error_free(error);
    return refusal;
  }

  GstElement* element;
};

class Clients : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, Clients, testing::Values("rtmpclientsrc", "rtmpclientsink"),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(Clients, HaveTheDefaultsThatTheirClassPromises) {
  const Element client(GetParam());
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(client.element), &count);
  for (guint i = 0; i < count; ++i) {
    GParamSpec* spec = specs[i];
    const std::string name = spec->name;
    const bool both = (spec->flags & G_PARAM_READWRITE) == G_PARAM_READWRITE;
    if (!both || name == "name" || name == "parent") continue;
    GValue value = G_VALUE_INIT;
    g_value_init(&value, spec->value_type);
    g_object_get_property(G_OBJECT(client.element), spec->name, &value);
    EXPECT_TRUE(g_param_value_defaults(spec, &value)) << name;
    g_value_unset(&value);
  }
  g_free(specs);
}

TEST_P(Clients, TakeALocationApart) {
  const Element client(GetParam());
  g_object_set(client.element, "location", "rtmps://me:pa%40ss@[::1]:8443/live/inst/cam?key=1",
               nullptr);
  EXPECT_EQ(client.number("scheme"), 1);
  EXPECT_EQ(client.text("host"), "::1");
  EXPECT_EQ(client.number("port"), 8443);
  EXPECT_EQ(client.text("application"), "live/inst");
  EXPECT_EQ(client.text("stream"), "cam?key=1");
  EXPECT_EQ(client.text("username"), "me");
  EXPECT_EQ(client.text("password"), "pa@ss");
  EXPECT_EQ(client.text("location"), "rtmps://[::1]:8443/live/inst/cam?key=1");
}

TEST_P(Clients, ShowNoLoginOfAProxy) {
  const Element client(GetParam());
  g_object_set(client.element, "proxy", "socks5h://me:secret@gate", nullptr);
  EXPECT_EQ(client.text("proxy"), "socks5://gate:1080");
  EXPECT_EQ(client.text("proxy-id"), "me");
  const auto* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(client.element), "proxy-pw");
  EXPECT_FALSE(spec->flags & G_PARAM_READABLE);
}

TEST_P(Clients, TellTheSystemsProxyFromNone) {
  const Element client(GetParam());
  EXPECT_EQ(client.text("proxy"), "");
  g_object_set(client.element, "proxy", "direct://", nullptr);
  EXPECT_EQ(client.text("proxy"), "direct://");
  g_object_set(client.element, "proxy", nullptr, nullptr);
  EXPECT_EQ(client.text("proxy"), "");
}

TEST_P(Clients, MakeALocationOfItsParts) {
  const Element client(GetParam());
  g_object_set(client.element, "host", "example.org", "application", "app", "stream", "s", "port",
               1936, nullptr);
  EXPECT_EQ(client.text("location"), "rtmp://example.org:1936/app/s");
}

TEST_P(Clients, UnderstandTheWordsOfLibrtmp) {
  const Element client(GetParam());
  EXPECT_EQ(client.set_uri("rtmp://host/ignored app=live playpath=cam live=1").first, 0);
  EXPECT_EQ(client.text("application"), "live");
  EXPECT_EQ(client.text("stream"), "cam");
}

TEST_P(Clients, RefuseALocationWithWhatIsWrong) {
  const Element client(GetParam());
  const auto [code, text] = client.set_uri("rtmp://[::1/live/cam");
  EXPECT_EQ(code, GST_URI_ERROR_BAD_URI);
  EXPECT_NE(text.find("cannot be used: "), std::string::npos) << text;
  EXPECT_EQ(client.text("host"), "localhost");
}

TEST_P(Clients, RefuseASchemeThatIsNotBuiltYetByName) {
  const Element client(GetParam());
  const auto [code, text] = client.set_uri("rtmfp://host/live/cam");
  EXPECT_EQ(code, GST_URI_ERROR_UNSUPPORTED_PROTOCOL);
  EXPECT_NE(text.find("rtmfp://"), std::string::npos) << text;
}

TEST_P(Clients, TakeTunnelsAtTheirPorts) {
  for (const auto& [scheme, port] : {std::pair("rtmpt", 80), {"rtmpts", 443}}) {
    const Element client(GetParam());
    EXPECT_EQ(client.set_uri((std::string(scheme) + "://host/live/cam").c_str()).first, 0);
    EXPECT_EQ(client.number("port"), port) << scheme;
  }
}

TEST_P(Clients, RefuseANewLocationWhileTheyRun) {
  const Element client(GetParam());
  gst_element_set_state(client.element, GST_STATE_PAUSED);
  EXPECT_EQ(client.set_uri("rtmp://elsewhere/live/cam").first, GST_URI_ERROR_BAD_STATE);
}

TEST_P(Clients, DoNotStartWithALocationThatWasRefused) {
  const Element client(GetParam());
  GstBus* bus = gst_bus_new();
  gst_element_set_bus(client.element, bus);
  g_object_set(client.element, "location", "rtmp://", nullptr);
  EXPECT_EQ(gst_element_set_state(client.element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  ASSERT_TRUE(message);
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  EXPECT_TRUE(g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS));
  g_error_free(error);
  gst_message_unref(message);
  gst_element_set_bus(client.element, nullptr);
  gst_object_unref(bus);
}

TEST_P(Clients, HaveRtmp2sFieldsInTheirStatsBeforeAnyConnection) {
  const Element client(GetParam());
  GstStructure* stats = nullptr;
  g_object_get(client.element, "stats", &stats, nullptr);
  for (const char* name :
       {"in-chunk-size", "out-chunk-size", "in-window-ack-size", "out-window-ack-size"})
    EXPECT_TRUE(gst_structure_has_field_typed(stats, name, G_TYPE_UINT)) << name;
  for (const char* name :
       {"in-bytes-total", "out-bytes-total", "in-bytes-acked", "out-bytes-acked"})
    EXPECT_TRUE(gst_structure_has_field_typed(stats, name, G_TYPE_UINT64)) << name;
  gst_structure_free(stats);
}

}  // namespace
}  // namespace rtmp::test
