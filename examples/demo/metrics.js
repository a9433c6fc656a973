// The figures of the session store, in the format of Prometheus.
import { instrument } from '@connect-databank/opentelemetry'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'

/** @param {import('connect-databank').DatabankStore} store */
export function metricsOf(store) {
  const exporter = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true, withoutTargetInfo: true })
  const meterProvider = new MeterProvider({ readers: [exporter] })
  const instrumentation = instrument({ store, meterProvider })
  return {
    /** @param {import('express').Request} request @param {import('express').Response} response */
    send: (request, response) => exporter.getMetricsRequestHandler(request, response),
    close: () => instrumentation.close(),
  }
}
