// SPDX-License-Identifier: LGPL-2.1-or-later
// A Node-Media-Server on the loopback interface, with RTMP alone: node ... PACKAGE PORT FOLDER
const Server = require(process.argv[2]);

new Server({
  bind: '127.0.0.1',
  rtmp: {port: Number(process.argv[3])},
  auth: {},
  store: {path: process.argv[4]},
  webadmin: {enable: false},
}).run();
