// AMF0: the connect command and the metadata that people's programs send.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <benchmark/benchmark.h>

#include "bench/core/sample.h"
#include "rtmp/amf0.h"

namespace rtmp::bench {
namespace {

using amf::EcmaArray;
using amf::Object;
using amf::Value;

std::vector<Value> connect_command() {
  return {"connect", 1,
          Object{{"app", "live"},
                 {"type", "nonprivate"},
                 {"flashVer", "FMLE/3.0 (compatible; FMSc/1.0)"},
                 {"swfUrl", "rtmp://media.example.org/live"},
                 {"tcUrl", "rtmp://media.example.org/live"},
                 {"fpad", false},
                 {"capabilities", 239},
                 {"audioCodecs", 3575},
                 {"videoCodecs", 252},
                 {"videoFunction", 1},
                 {"objectEncoding", 0}}};
}

std::vector<Value> metadata() {
  return {"@setDataFrame", "onMetaData",
          EcmaArray{Object{{"duration", 0},
                           {"fileSize", 0},
                           {"width", 1920},
                           {"height", 1080},
                           {"videocodecid", 7},
                           {"videodatarate", 2500},
                           {"framerate", 30},
                           {"audiocodecid", 10},
                           {"audiodatarate", 160},
                           {"audiosamplerate", 48000},
                           {"audiosamplesize", 16},
                           {"audiochannels", 2},
                           {"stereo", true},
                           {"encoder", "some encoder (version 30.1.2)"}},
                    {}}};
}

using Make = std::vector<Value> (*)();

void read_amf0(benchmark::State& state, Make make) {
  const std::vector<std::uint8_t> bytes = amf0::write_all(make());
  for (auto _ : state) {
    auto values = amf0::Reader(bytes).rest();
    require(values.has_value());
    benchmark::DoNotOptimize(*values);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK_CAPTURE(read_amf0, connect, connect_command);
BENCHMARK_CAPTURE(read_amf0, metadata, metadata);

void write_amf0(benchmark::State& state, Make make) {
  const std::vector<Value> values = make();
  std::size_t size = 0;
  for (auto _ : state) {
    const std::vector<std::uint8_t> bytes = amf0::write_all(values);
    benchmark::DoNotOptimize(size = bytes.size());
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
}
BENCHMARK_CAPTURE(write_amf0, connect, connect_command);
BENCHMARK_CAPTURE(write_amf0, metadata, metadata);

}  // namespace
}  // namespace rtmp::bench
