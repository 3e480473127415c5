// Command defer-relocations keeps the dynamic loader from relocating the module's Go data.
//
// Go's data holds thousands of pointers. If dlopen(3) relocated them, each login process would copy
// some 40 pages that it never uses. This command moves the relocations of all sections whose names
// begin with ".go." or ".go_" (the Go linker and gostart.lds make them) to the end of the table,
// lets the table that the loader reads end before them, and writes into the section .go_relocations
// where they are. The child applies them (gostart.c).
//
//	defer-relocations FILE
package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: defer-relocations FILE")
		os.Exit(2)
	}
	if err := deferIn(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: cannot defer the relocations of Go: %v\n", os.Args[1],
			err)
		os.Exit(1)
	}
}

func deferIn(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := deferGo(data); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o755)
}

// relative is the relocation that adds the address at which the file was mapped.
var relative = map[elf.Machine]uint32{
	elf.EM_X86_64:  uint32(elf.R_X86_64_RELATIVE),
	elf.EM_AARCH64: uint32(elf.R_AARCH64_RELATIVE),
}

// deferGo changes a shared object in place. It refuses one that it has changed before.
func deferGo(data []byte) error {
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return err
	}
	kind, known := relative[file.Machine]
	if !known || file.ByteOrder != binary.LittleEndian {
		return fmt.Errorf("no support for %v", file.Machine)
	}
	section := map[string]*elf.Section{}
	for _, name := range []string{".rela.dyn", ".dynamic", ".go_relocations"} {
		if section[name] = file.Section(name); section[name] == nil {
			return fmt.Errorf("no section %s", name)
		}
	}
	table := make([]elf.Rela64, section[".rela.dyn"].Size/relaSize)
	if err := binary.Read(section[".rela.dyn"].Open(), file.ByteOrder, table); err != nil {
		return err
	}
	var loader, child []elf.Rela64
	relatives := 0 // the loader assumes that these come first
	for i, r := range table {
		switch {
		case uint32(r.Info) != kind:
			loader = append(loader, r)
		case inGo(file, r.Off):
			child = append(child, r)
		case relatives < len(loader):
			return fmt.Errorf("relocation %d comes after another kind", i)
		default:
			loader = append(loader, r)
			relatives++
		}
	}
	rest := uint64(len(loader)) * relaSize
	if err := setDynamic(data, section[".dynamic"], map[elf.DynTag][2]uint64{
		elf.DT_RELASZ:    {section[".rela.dyn"].Size, rest},
		elf.DT_RELACOUNT: {uint64(relatives + len(child)), uint64(relatives)},
	}); err != nil {
		return err
	}
	put(data[section[".rela.dyn"].Offset:], slices.Concat(loader, child))
	put(data[section[".go_relocations"].Offset:],
		[]uint64{section[".rela.dyn"].Addr + rest, uint64(len(child))})
	return nil
}

const relaSize = 24

// inGo reports whether a section of Go's data has the address. The global offset table, .got, is
// not one: the C half uses it too, and the loader makes it read-only.
func inGo(file *elf.File, address uint64) bool {
	return slices.ContainsFunc(file.Sections, func(s *elf.Section) bool {
		ofGo := strings.HasPrefix(s.Name, ".go.") || strings.HasPrefix(s.Name, ".go_")
		return ofGo && address-s.Addr < s.Size
	})
}

// setDynamic changes entries of the dynamic section, each from the first value to the second.
func setDynamic(data []byte, dynamic *elf.Section, changes map[elf.DynTag][2]uint64) error {
	for at := dynamic.Offset; at < dynamic.Offset+dynamic.Size; at += 16 {
		tag := elf.DynTag(binary.LittleEndian.Uint64(data[at:]))
		change, wanted := changes[tag]
		if !wanted {
			continue
		}
		if is := binary.LittleEndian.Uint64(data[at+8:]); is != change[0] {
			return fmt.Errorf("%v is %d, not %d", tag, is, change[0])
		}
		put(data[at+8:], change[1])
		delete(changes, tag)
	}
	if len(changes) > 0 {
		return errors.New("the dynamic section lacks DT_RELASZ or DT_RELACOUNT")
	}
	return nil
}

// put writes a fixed-size value at the beginning of data.
func put(data []byte, value any) {
	if _, err := binary.Encode(data, binary.LittleEndian, value); err != nil {
		panic(err)
	}
}
