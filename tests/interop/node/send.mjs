// Sends inference spans with the stock OpenTelemetry SDK for Node, which knows nothing of hybridobs.
// Usage: node send.mjs proto|json BASE_URL COUNT SECONDS; exits 1 when the collector did not accept them.
import { SpanKind } from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtoExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const [format, base, count, seconds] = process.argv.slice(2);
const Exporter = format === "json" ? JsonExporter : ProtoExporter;
const exporter = new Exporter({ url: `${base}/v1/traces`, compression: "gzip" });

let failure;
const send = exporter.export.bind(exporter);
exporter.export = (spans, done) =>
  send(spans, (result) => {
    failure ??= result.error;
    done(result);
  });

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "kiosk" }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
});
const tracer = provider.getTracer("kiosk");
const start = Date.now() - 60_000;
for (let i = 0; i < Number(count); i += 1) {
  const span = tracer.startSpan("chat", {
    kind: SpanKind.CLIENT,
    startTime: start,
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": `node-${format}`,
      "gen_ai.usage.input_tokens": 12,
      "gen_ai.usage.output_tokens": 30,
    },
  });
  span.end(start + Number(seconds) * 1000);
}
await provider.shutdown();
if (failure) {
  console.error(String(failure));
  process.exit(1);
}
