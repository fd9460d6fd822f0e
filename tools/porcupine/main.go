// Command porcupine-check gives histories of ours to a linearizability checker that is not ours:
// Porcupine. It reads files in the format of docs/histories.md and prints a verdict on each.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/anishathalye/porcupine"
)

// A search that takes longer says nothing.
const patience = 60 * time.Second

type command struct {
	Type        string   `json:"type"`
	Consistency string   `json:"consistency"`
	Value       *string  `json:"value"`
	Expected    *string  `json:"expected"`
	TTL         *float64 `json:"ttlMs"`
}

type answer struct {
	Value       *string `json:"value"`
	ModRevision *int64  `json:"modRevision"`
	Revision    *int64  `json:"revision"`
	Deleted     *bool   `json:"deleted"`
	Succeeded   bool    `json:"succeeded"`
	// Absent, null and a text are three things.
	Current json.RawMessage `json:"current"`
}

type operation struct {
	Client      string   `json:"client"`
	Key         string   `json:"key"`
	Command     command  `json:"command"`
	InvokedAtMs float64  `json:"invokedAtMs"`
	SettledAtMs *float64 `json:"settledAtMs"`
	Outcome     struct {
		Type   string  `json:"type"`
		Answer *answer `json:"answer"`
	} `json:"outcome"`
}

type input struct {
	key     string
	command command
}

// What a key holds. A nil value: it is absent.
type state struct {
	value    string
	present  bool
	revision int64
}

func main() {
	worst := 0
	for _, path := range os.Args[1:] {
		verdict, err := checkFile(path)
		if err != nil {
			fmt.Fprintf(os.Stderr, "porcupine-check: %s: %v\n", path, err)
			os.Exit(2)
		}
		fmt.Printf("%s: %s\n", path, verdict)
		if verdict != "linearizable" {
			worst = 1
		}
	}
	os.Exit(worst)
}

func checkFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	operations, err := read(file)
	if err != nil {
		return "", err
	}
	switch porcupine.CheckOperationsTimeout(model, operations, patience) {
	case porcupine.Ok:
		return "linearizable", nil
	case porcupine.Illegal:
		return "not linearizable", nil
	default:
		return "undecided", nil
	}
}

func read(source io.Reader) ([]porcupine.Operation, error) {
	lines := bufio.NewScanner(source)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	clients := map[string]int{}
	var operations []porcupine.Operation
	for number := 1; lines.Scan(); number++ {
		if number == 1 || len(lines.Bytes()) == 0 {
			continue
		}
		var each operation
		if err := json.Unmarshal(lines.Bytes(), &each); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if each.Command.TTL != nil {
			return nil, fmt.Errorf("line %d: %w", number, errors.New("a TTL is not in this model"))
		}
		if each.Outcome.Type == "refused" || each.Command.Consistency == "eventual" {
			continue
		}
		client, known := clients[each.Client]
		if !known {
			client = len(clients)
			clients[each.Client] = client
		}
		settled := int64(math.MaxInt64)
		if each.SettledAtMs != nil {
			settled = nanoseconds(*each.SettledAtMs)
		}
		operations = append(operations, porcupine.Operation{
			ClientId: client,
			Input:    input{each.Key, each.Command},
			Call:     nanoseconds(each.InvokedAtMs),
			Output:   each.Outcome.Answer,
			Return:   settled,
		})
	}
	return operations, lines.Err()
}

func nanoseconds(ms float64) int64 {
	return int64(math.Round(ms * 1e6))
}

var model = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, each := range history {
			key := each.Input.(input).key
			byKey[key] = append(byKey[key], each)
		}
		var parts [][]porcupine.Operation
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return state{} },
	Step: func(before, in, out any) (bool, any) {
		return step(before.(state), in.(input).command, out.(*answer))
	},
}

// told is nil when nobody was answered: such an operation may have met any state.
func step(before state, asked command, told *answer) (bool, state) {
	switch asked.Type {
	case "read":
		return seen(before, told)
	case "put":
		return true, written(asked.Value, told)
	case "delete":
		fits := told == nil || told.Deleted == nil || *told.Deleted == before.present
		return fits, state{}
	case "compareAndSwap":
		return swap(before, asked, told)
	}
	panic("unknown command " + asked.Type)
}

// The first read that is told the revision of a write of unknown outcome tells it to all.
func seen(before state, told *answer) (bool, state) {
	if told == nil || !holds(before, told.Value) {
		return told == nil, before
	}
	if before.present && told.ModRevision != nil {
		if before.revision != 0 && *told.ModRevision != before.revision {
			return false, before
		}
		before.revision = *told.ModRevision
	}
	return true, before
}

func swap(before state, asked command, told *answer) (bool, state) {
	matches := holds(before, asked.Expected)
	if told != nil {
		if told.Succeeded != matches {
			return false, before
		}
		if !matches && len(told.Current) > 0 {
			var current *string
			if json.Unmarshal(told.Current, &current) != nil || !holds(before, current) {
				return false, before
			}
		}
	}
	if !matches {
		return true, before
	}
	return true, written(asked.Value, told)
}

func holds(before state, value *string) bool {
	if value == nil {
		return !before.present
	}
	return before.present && before.value == *value
}

func written(value *string, told *answer) state {
	if value == nil {
		return state{}
	}
	after := state{value: *value, present: true}
	if told != nil && told.Revision != nil {
		after.revision = *told.Revision
	}
	return after
}
