package limits_test

import (
	"fmt"
	"log"
	"time"

	"github.com/headgate/headgate/limits"
)

// A limiter admits as many requests of a key at a time as its threshold says.
func ExampleLimiter() {
	limiter, err := limits.NewLimiter(limits.LimiterConfig{
		Threshold:  2,
		Overrides:  map[string]uint32{"blue": 1},
		RetryAfter: 3 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	var states [3]limits.TicketState // in a proxy: a field of the struct of each request
	for i, origin := range []string{"blue", "green", "blue"} {
		admission, ok := limiter.AdmitString(&states[i], origin)
		if !ok {
			fmt.Println(origin, "refused:", admission.Reason, admission.RetryAfter)
			continue
		}
		defer admission.Ticket.Done() // when the request has ended
		fmt.Println(origin, "admitted:", admission.Estimate, "of", admission.Threshold)
	}
	// Output:
	// blue admitted: 1 of 1
	// green admitted: 1 of 2
	// blue refused: over_threshold 3s
}

// A threshold of 0 drains a key: requests that are open go on, new ones are refused.
func ExampleLimiter_SetThreshold() {
	limiter, err := limits.NewLimiter(limits.LimiterConfig{})
	if err != nil {
		log.Fatal(err)
	}
	key := []byte("10.0.0.1:8080")
	var first, second limits.TicketState
	open, _ := limiter.Admit(&first, key)
	if err := limiter.SetThreshold(key, 0); err != nil {
		log.Fatal(err)
	}
	refused, ok := limiter.Admit(&second, key)
	fmt.Println(ok, refused.Reason, limiter.InFlight(key))
	open.Ticket.Done()
	fmt.Println(limiter.InFlight(key))
	// Output:
	// false drained 1
	// 0
}

// Releasing a ticket twice is counted, and changes nothing.
func ExampleTicket_Done() {
	inflight, err := limits.NewInflight(limits.SketchConfig{})
	if err != nil {
		log.Fatal(err)
	}
	var state limits.TicketState
	ticket, estimate := inflight.Begin(&state, limits.HashString("10.0.0.1:8080"), 1)
	fmt.Println(estimate, ticket.Done(), ticket.Done(), inflight.Stats().DoubleReleases)
	// Output: 1 true false 1
}

func ExampleEstimator() {
	requests, err := limits.NewEstimator(limits.SketchConfig{Rows: 4, Columns: 1024})
	if err != nil {
		log.Fatal(err)
	}
	for range 3 {
		requests.Add([]byte("203.0.113.7"), 1)
	}
	fmt.Println(requests.Count([]byte("203.0.113.7")), requests.Count([]byte("203.0.113.8")))
	fmt.Println(requests.Bytes() < 33_000)
	// Output:
	// 3 0
	// true
}

// Goroutines that add do not contend; Count sums up what all of them have added.
func ExampleStripedEstimator() {
	requests, err := limits.NewStripedEstimator(limits.SketchConfig{Rows: 4, Columns: 1024}, 0)
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan bool)
	for range 4 {
		go func() {
			requests.Observe([]byte("203.0.113.7"), 1)
			done <- true
		}()
	}
	for range 4 {
		<-done
	}
	fmt.Println(requests.Count([]byte("203.0.113.7")))
	// Output: 4
}

// A rate function sees the counts of the interval before and of the one in progress.
func ExampleRate() {
	rate, err := limits.NewRate(limits.RateConfig{Interval: time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	client := []byte("203.0.113.7")
	for range 5 {
		rate.Observe(client, 1)
	}
	fmt.Println(rate.Peek(client), rate.Rate(client))
	fmt.Println(rate.RateWith(client, func(c limits.RateComponents) float64 {
		return float64(c.Previous + c.Current)
	}))
	// Output:
	// 5 0
	// 5
}

func ExampleProportional() {
	fmt.Println(limits.Proportional(limits.RateComponents{
		Previous: 80, Current: 10, Interval: 10 * time.Second, Elapsed: 0.75,
	}))
	// Output: 3
}

func ExampleTop() {
	top, err := limits.NewTop(100)
	if err != nil {
		log.Fatal(err)
	}
	for i, client := range []string{"203.0.113.7", "198.51.100.1", "192.0.2.9"} {
		top.Add([]byte(client), uint32(10*(i+1)))
	}
	for _, key := range top.Heaviest(nil, 2) {
		fmt.Println(key.Key, key.Count)
	}
	// Output:
	// 192.0.2.9 30
	// 198.51.100.1 20
}

// Clients choose host names. Hashed under a secret, none of them can be made to share a counter
// with a given other one.
func ExampleHasher() {
	hasher := limits.NewHasher()
	hosts, err := limits.NewGrowOnly(limits.SketchConfig{})
	if err != nil {
		log.Fatal(err)
	}
	hash := hasher.Hash([]byte("shop.example"))
	hosts.AddHash(hash, 2)
	fmt.Println(hosts.CountHash(hash))
	// Output: 2
}
