import { createServer } from 'node:http2';

// Node's own server, for the runner to be proven on.

const server = createServer((request, response) => {
  request.resume();
  response.end('hello');
});
// h2spec breaks every rule there is: that its connections end badly is what it is for.
server.on('sessionError', () => undefined);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') console.log(`port ${address?.port}`);
});
