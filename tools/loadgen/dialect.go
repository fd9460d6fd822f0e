package main

import (
	"encoding/binary"
	"fmt"
)

var operations = []string{"put", "linearizable", "lease", "eventual"}

// dialect is how a kind of server is spoken to: its messages, as bytes.
type dialect struct {
	path string
	// request appends the message of one call.
	request func(to []byte, key []byte, value []byte) []byte
	// answer says what came back.
	answer func(message []byte) (answer, error)
}

type answer struct {
	revision uint64
	// code is a failure that is told inside a successful answer; 0 for none.
	code uint64
	// found says whether a read brought a value.
	found bool
}

func dialectOf(name string, operation string) (dialect, error) {
	switch name + " " + operation {
	case "etcd put":
		return dialect{"/etcdserverpb.KV/Put", etcdPut, etcdAnswer}, nil
	case "etcd linearizable":
		return dialect{"/etcdserverpb.KV/Range", etcdRange(false), etcdAnswer}, nil
	case "etcd eventual":
		return dialect{"/etcdserverpb.KV/Range", etcdRange(true), etcdAnswer}, nil
	case "d-engine put":
		return dialect{dEngineService + "HandleClientWrite", dEnginePut, dEngineAnswer}, nil
	case "d-engine lease":
		return dialect{dEngineService + "HandleClientRead", dEngineRead(0), dEngineAnswer}, nil
	case "d-engine linearizable":
		return dialect{dEngineService + "HandleClientRead", dEngineRead(1), dEngineAnswer}, nil
	case "d-engine eventual":
		return dialect{dEngineService + "HandleClientRead", dEngineRead(2), dEngineAnswer}, nil
	}
	return dialect{}, fmt.Errorf("%s has no operation %s", name, operation)
}

func etcdPut(to []byte, key []byte, value []byte) []byte {
	return appendBytes(appendBytes(to, 1, key), 2, value)
}

func etcdRange(serializable bool) func([]byte, []byte, []byte) []byte {
	return func(to []byte, key []byte, _ []byte) []byte {
		to = appendBytes(to, 1, key)
		if serializable {
			to = appendNumber(to, 7, 1)
		}
		return to
	}
}

// etcdAnswer reads a header (field 1, with the revision as field 3) and pairs (field 2).
func etcdAnswer(message []byte) (answer, error) {
	var result answer
	err := eachField(message, func(field uint64, _ uint64, bytes []byte) error {
		if field == 2 {
			result.found = true
		}
		if field != 1 {
			return nil
		}
		return eachField(bytes, func(field uint64, number uint64, _ []byte) error {
			if field == 3 {
				result.revision = number
			}
			return nil
		})
	})
	return result, err
}

const dEngineService = "/d_engine.client.RaftClientService/"

func dEnginePut(to []byte, key []byte, value []byte) []byte {
	put := etcdPut(nil, key, value)
	return appendBytes(appendNumber(to, 1, 1), 2, appendBytes(nil, 1, put))
}

func dEngineRead(policy uint64) func([]byte, []byte, []byte) []byte {
	return func(to []byte, key []byte, _ []byte) []byte {
		return appendNumber(appendBytes(appendNumber(to, 1, 1), 2, key), 3, policy)
	}
}

// dEngineAnswer reads an error code (1), the results of a read (3) and the revision (100).
func dEngineAnswer(message []byte) (answer, error) {
	var result answer
	err := eachField(message, func(field uint64, number uint64, bytes []byte) error {
		switch field {
		case 1:
			result.code = number
		case 3:
			result.found = len(bytes) > 0
		case 100:
			result.revision = number
		}
		return nil
	})
	return result, err
}

func appendBytes(to []byte, field uint64, bytes []byte) []byte {
	to = binary.AppendUvarint(to, field<<3|2)
	to = binary.AppendUvarint(to, uint64(len(bytes)))
	return append(to, bytes...)
}

func appendNumber(to []byte, field uint64, number uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(to, field<<3), number)
}

// eachField walks a protobuf message of numbers and byte strings.
func eachField(message []byte, visit func(field uint64, number uint64, bytes []byte) error) error {
	for len(message) > 0 {
		tag, size := binary.Uvarint(message)
		if size <= 0 {
			return fmt.Errorf("a message that ends in a tag")
		}
		message = message[size:]
		number, size := binary.Uvarint(message)
		if size <= 0 {
			return fmt.Errorf("a message that ends in a number")
		}
		message = message[size:]
		var bytes []byte
		switch tag & 7 {
		case 0:
		case 2:
			if number > uint64(len(message)) {
				return fmt.Errorf("a message that ends in a field")
			}
			bytes, message = message[:number], message[number:]
		default:
			return fmt.Errorf("wire type %d", tag&7)
		}
		if err := visit(tag>>3, number, bytes); err != nil {
			return err
		}
	}
	return nil
}
