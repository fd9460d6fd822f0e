package main

import (
	"math"
	"math/bits"
	"time"
)

// tally counts the calls of one connection.
type tally struct {
	succeeded   uint64
	found       uint64
	failures    map[string]uint64
	minRevision uint64
	maxRevision uint64
	totalNanos  uint64
	maxNanos    uint64
	// buckets of latency, 32 to each power of two nanoseconds: 3% wide.
	buckets []uint64
}

const bucketsPerPower = 32

func newTally() tally {
	return tally{
		failures:    map[string]uint64{},
		minRevision: math.MaxUint64,
		buckets:     make([]uint64, 64*bucketsPerPower),
	}
}

func (t *tally) fail(why string) { t.failures[why]++ }

func (t *tally) succeed(took time.Duration, a answer) {
	nanos := uint64(max(took, 1))
	t.succeeded++
	if a.found {
		t.found++
	}
	t.minRevision = min(t.minRevision, a.revision)
	t.maxRevision = max(t.maxRevision, a.revision)
	t.totalNanos += nanos
	t.maxNanos = max(t.maxNanos, nanos)
	t.buckets[bucketOf(nanos)]++
}

func bucketOf(nanos uint64) int {
	power := bits.Len64(nanos) - 1
	if power < 5 {
		return int(nanos)
	}
	return power*bucketsPerPower + int(nanos>>(power-5))&(bucketsPerPower-1)
}

func nanosOf(bucket int) uint64 {
	power := bucket / bucketsPerPower
	if power < 5 {
		return uint64(bucket)
	}
	return (bucketsPerPower + uint64(bucket%bucketsPerPower)) << (power - 5)
}

type report struct {
	Seconds     float64           `json:"seconds"`
	Succeeded   uint64            `json:"succeeded"`
	Found       uint64            `json:"found"`
	Failures    map[string]uint64 `json:"failures"`
	MinRevision uint64            `json:"minRevision"`
	MaxRevision uint64            `json:"maxRevision"`
	MeanUs      float64           `json:"meanUs"`
	P50Us       float64           `json:"p50Us"`
	P90Us       float64           `json:"p90Us"`
	P99Us       float64           `json:"p99Us"`
	P999Us      float64           `json:"p999Us"`
	MaxUs       float64           `json:"maxUs"`
}

func summarize(connections []*connection, elapsed time.Duration) *report {
	all := newTally()
	for _, each := range connections {
		all.add(&each.tally)
	}
	result := &report{
		Seconds:     elapsed.Seconds(),
		Succeeded:   all.succeeded,
		Found:       all.found,
		Failures:    all.failures,
		MaxRevision: all.maxRevision,
		P50Us:       all.percentile(0.5),
		P90Us:       all.percentile(0.9),
		P99Us:       all.percentile(0.99),
		P999Us:      all.percentile(0.999),
		MaxUs:       float64(all.maxNanos) / 1000,
	}
	if all.succeeded > 0 {
		result.MinRevision = all.minRevision
		result.MeanUs = float64(all.totalNanos) / float64(all.succeeded) / 1000
	}
	return result
}

func (t *tally) add(other *tally) {
	t.succeeded += other.succeeded
	t.found += other.found
	for why, count := range other.failures {
		t.failures[why] += count
	}
	t.minRevision = min(t.minRevision, other.minRevision)
	t.maxRevision = max(t.maxRevision, other.maxRevision)
	t.totalNanos += other.totalNanos
	t.maxNanos = max(t.maxNanos, other.maxNanos)
	for bucket, count := range other.buckets {
		t.buckets[bucket] += count
	}
}

func (t *tally) percentile(share float64) float64 {
	left := uint64(math.Ceil(share * float64(t.succeeded)))
	for bucket, count := range t.buckets {
		if count >= left {
			return float64(nanosOf(bucket)) / 1000
		}
		left -= count
	}
	return 0
}
