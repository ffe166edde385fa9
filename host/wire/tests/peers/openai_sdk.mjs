// The official Node SDK: a turn, its tool call, the turn after it, over both transports.
import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
const tool = { type: "function", name: "read_file", strict: false, parameters: { type: "object", properties: {} } };
const common = { model: "scripted", tools: [tool] };

const overWebSocket = (socket) => (more) =>
  new Promise((resolve, reject) => {
    const take = (event) => {
      if (event.type === "response.completed") {
        socket.off("event", take);
        resolve(event.response);
      }
    };
    socket.on("event", take);
    socket.on("error", reject);
    socket.send({ type: "response.create", ...common, store: false, ...more });
  });

const overHttp = async (more) => {
  for await (const event of await client.responses.create({ ...common, stream: true, ...more })) {
    if (event.type === "response.completed") return event.response;
  }
};

const converse = async (ask) => {
  const first = await ask({ input: "hello" });
  const call = first.output.find((item) => item.type === "function_call");
  console.log("called", call.name, call.arguments);
  const answer = { type: "function_call_output", call_id: call.call_id, output: "{}" };
  const second = await ask({ input: [answer], previous_response_id: first.id });
  console.log("said", second.output.at(-1).content[0].text);
};

const socket = new ResponsesWS(client);
await converse(overWebSocket(socket));
socket.close();
await converse(overHttp);
await converse((more) => client.responses.create({ ...common, ...more }));
