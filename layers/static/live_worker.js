// Shared by all pages of a browser: one stream for twelve tabs, as a browser opens no more than six connections to a host.
/* global importScripts, hexacrossStream */
"use strict";
importScripts("stream.js");

const ports = new Set();
const stream = new hexacrossStream(self.name, (message) => ports.forEach((port) => port.postMessage(message)));

self.onconnect = ({ ports: [port] }) => {
  ports.add(port);
  port.onmessage = () => ports.delete(port); // all that a page ever says is goodbye
  port.postMessage(stream.state);
};
