// A worker of the shop that fails.
self.onmessage = (message) => {
  throw new Error(`worker cannot price ${message.data}`);
};
