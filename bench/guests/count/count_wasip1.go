package count

import "runtime"

var stats runtime.MemStats

//go:wasmimport env proxy_record_metric
func recordMetric(metric uint32, value uint64) uint32

//go:wasmexport proxy_on_foreign_function
func onForeignFunction(_, _, _ uint32) {
	runtime.ReadMemStats(&stats)
	recordMetric(Mallocs, stats.Mallocs)
	recordMetric(Bytes, stats.TotalAlloc)
	recordMetric(Collections, uint64(stats.NumGC))
}
