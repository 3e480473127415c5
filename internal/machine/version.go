// Package version tells which version of this project a file was built from. The build writes it
// into the ELF note .note.package (packaging/package-note), so that a core dump names it too.
package machine

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
)

// The note's owner and type: systemd.io, Package Metadata for ELF Files.
var (
	noteOwner = []byte("FDO\x00")
	noteType  = uint32(0xcafe1a7e)
)

// ErrNone is the error of a file that says nothing about its version, as one does that go build
// made without make.
var ErrNoVersion = errors.New("has no version: not built by make")

// Of is the version in the note of an ELF file. Its error is [ErrNone] if there is no such note,
// and else that of reading the file.
func VersionOf(path string) (string, error) {
	file, err := elf.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	section := file.Section(".note.package")
	if section == nil {
		return "", ErrNoVersion
	}
	note, err := section.Data()
	if err != nil {
		return "", err
	}
	return parseNote(note, file.ByteOrder)
}

// parse reads the note: three numbers of four bytes (the lengths of owner and text, the type), then
// owner and text.
func parseNote(note []byte, order binary.ByteOrder) (string, error) {
	const header = 12
	start := header + len(noteOwner)
	if len(note) < start || order.Uint32(note[8:]) != noteType ||
		!bytes.Equal(note[header:start], noteOwner) {
		return "", ErrNoVersion
	}
	length := order.Uint32(note[4:])
	if uint64(length) > uint64(len(note)-start) {
		return "", ErrNoVersion
	}
	var document struct {
		Version string `json:"version"`
	}
	if json.Unmarshal(bytes.TrimRight(note[start:start+int(length)], "\x00"),
		&document) != nil || document.Version == "" {
		return "", ErrNoVersion
	}
	return document.Version, nil
}
