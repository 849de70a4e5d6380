// In a thread of its own, so that nothing on the page holds up sound: between the audio thread and the server.
"use strict";

onmessage = ({ data: { address, sound } }) => {
  const socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => (typeof data === "string" ? postMessage(JSON.parse(data)) : sound.postMessage(data, [data]));
  socket.onclose = () => postMessage({ closed: true });
  sound.onmessage = ({ data }) => socket.readyState === WebSocket.OPEN && socket.send(data);
  onmessage = () => socket.close();
};
