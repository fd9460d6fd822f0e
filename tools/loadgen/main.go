// Drives one gRPC server with unary calls in a closed loop and prints what happened as one line of
// JSON. A program of its own, in another language and with another HTTP/2 than the server's: it
// reads every grpc-status, and takes no server's word for more than that.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

type settings struct {
	address     string
	dialect     dialect
	operation   string
	connections int
	streams     int
	duration    time.Duration
	keySpace    uint64
	keyBytes    int
	value       []byte
	seed        uint64
}

func main() {
	var s settings
	var dialectName string
	var valueBytes int
	flag.StringVar(&s.address, "address", "", "HOST:PORT of the member that gets all calls")
	flag.StringVar(&dialectName, "dialect", "d-engine", "d-engine or etcd")
	flag.StringVar(&s.operation, "operation", "put", strings.Join(operations, ", "))
	flag.IntVar(&s.connections, "connections", 1, "connections")
	flag.IntVar(&s.streams, "streams", 1, "calls under way at once on each connection")
	flag.DurationVar(&s.duration, "duration", time.Second, "for how long new calls begin")
	flag.Uint64Var(&s.keySpace, "key-space", 100_000, "so many different keys, drawn at random")
	flag.IntVar(&s.keyBytes, "key-bytes", 8, "bytes of a key")
	flag.IntVar(&valueBytes, "value-bytes", 256, "bytes of a value")
	flag.Uint64Var(&s.seed, "seed", 1, "of the keys")
	flag.Parse()
	var err error
	if s.dialect, err = dialectOf(dialectName, s.operation); err != nil {
		fail(err)
	}
	s.value = []byte(strings.Repeat("v", valueBytes))
	report, err := drive(s)
	if err != nil {
		fail(err)
	}
	line, err := json.Marshal(report)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(line))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "loadgen:", err)
	os.Exit(1)
}

// drive opens all connections, then starts them together.
func drive(s settings) (*report, error) {
	connections := make([]*connection, s.connections)
	for index := range connections {
		opened, err := openConnection(s, uint64(index))
		if err != nil {
			return nil, err
		}
		connections[index] = opened
	}
	startedAt := time.Now()
	until := startedAt.Add(s.duration)
	errors := make([]error, len(connections))
	var group sync.WaitGroup
	for index, each := range connections {
		group.Add(1)
		go func() {
			defer group.Done()
			errors[index] = each.run(until)
		}()
	}
	group.Wait()
	elapsed := time.Since(startedAt)
	for _, err := range errors {
		if err != nil {
			return nil, err
		}
	}
	return summarize(connections, elapsed), nil
}
