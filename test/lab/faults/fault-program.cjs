// A stand-in for a process of a world: an app that answers, started with or without the preload.
const http = require('node:http')
const server = http.createServer((_, response) =>
  response.end(
    JSON.stringify({
      now: Date.now(),
      // biome-ignore lint/complexity/useDateNow: that this shows another time, too, is what is tested
      date: new Date().getTime(),
      text: Date(),
      same: new Date(0) instanceof Date,
    }),
  ),
)
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () =>
  process.stdout.write(`${server.address().port}\n`),
)
