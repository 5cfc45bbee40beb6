package metrics_test

import (
	"fmt"
	"log"

	"github.com/headgate/headgate/proxyhook"
	"github.com/headgate/headgate/proxyhook/metrics"
	"github.com/prometheus/client_golang/prometheus"
)

// A proxy with two filters exports both, each under a label of its own.
func ExampleNewCollector() {
	registry := prometheus.NewRegistry()
	for _, site := range []string{"shop", "forum"} {
		filter, err := proxyhook.New(proxyhook.Config{})
		if err != nil {
			log.Fatal(err)
		}
		defer filter.Close()
		labels := prometheus.Labels{"site": site}
		prometheus.WrapRegistererWith(labels, registry).MustRegister(metrics.NewCollector(filter))
	}
	families, err := registry.Gather() // as promhttp.HandlerFor(registry, promhttp.HandlerOpts{}) does
	if err != nil {
		log.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "headgate_filter_scored_total" {
			fmt.Println(family.GetName(), len(family.Metric))
		}
	}
	// Output: headgate_filter_scored_total 2
}
