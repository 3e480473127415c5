package machine

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"pam_persistent/internal/phrase"
)

// symbols are what libpam calls in the module.
var symbols = []string{"pam_sm_open_session", "pam_sm_close_session", "pam_sm_authenticate",
	"pam_sm_setcred"}

// faultOfModule says why libpam cannot load or use our module, or returns "". It does not load a
// file that does not look like the module.
func faultOfModule(path string) string {
	if text, _ := damage(path); text != "" {
		return text
	}
	file, err := elf.Open(path)
	if err != nil {
		return "is damaged: " + phrase.Error(err)
	}
	defer file.Close()
	switch {
	case !isNative(file):
		return fmt.Sprintf("is built for %s, but this machine is %s",
			architecture(file), runtime.GOARCH)
	case file.Type != elf.ET_DYN:
		return "is not a shared object"
	}
	have, err := file.DynamicSymbols()
	for _, symbol := range symbols {
		if err != nil || !slices.ContainsFunc(have, func(s elf.Symbol) bool {
			return s.Name == symbol && s.Section != elf.SHN_UNDEF
		}) {
			return "is not this module: it has no function " + symbol
		}
	}
	if err := loads(path); err != nil {
		return "cannot be loaded: " + err.Error()
	}
	return ""
}

// damage says why a file is not a complete ELF object, and whether it is truncated. A process that
// loads a truncated one dies of SIGBUS, because the kernel maps pages beyond the end of the file.
// debug/elf cannot be used here: it first reads the section headers, which a truncated file lacks.
func damage(path string) (text string, cut bool) {
	file, err := os.Open(path)
	if err != nil {
		return "cannot be read: " + phrase.Error(err), false
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "cannot be read: " + phrase.Error(err), false
	}
	needed, ok := sizeOf(file)
	cut = needed > uint64(info.Size())
	switch {
	case !ok:
		text = fmt.Sprintf("is damaged: its %d bytes are not an ELF file", info.Size())
	case cut:
		text = fmt.Sprintf("is damaged: it was truncated at %d of at least %d bytes",
			info.Size(), needed)
	}
	return text, cut
}

// sizeOf returns the length that an ELF file must have for the headers and segments that it names.
func sizeOf(file io.ReaderAt) (size uint64, ok bool) {
	var ident [elf.EI_NIDENT]byte
	if n, _ := file.ReadAt(ident[:], 0); n < len(ident) || string(ident[:4]) != elf.ELFMAG {
		return 0, false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if elf.Data(ident[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	read := func(from uint64, header any) uint64 {
		length := uint64(binary.Size(header))
		// Missing parts of a header stay 0, and the size then shows that they are missing.
		_ = binary.Read(io.NewSectionReader(file, int64(from), int64(length)), order,
			header)
		return from + length
	}
	switch elf.Class(ident[elf.EI_CLASS]) {
	case elf.ELFCLASS64:
		var h elf.Header64
		size = max(read(0, &h), h.Shoff+uint64(h.Shnum)*uint64(h.Shentsize))
		for i := range uint64(h.Phnum) {
			var p elf.Prog64
			size = max(size, read(h.Phoff+i*uint64(h.Phentsize), &p), p.Off+p.Filesz)
		}
	case elf.ELFCLASS32:
		var h elf.Header32
		size = max(read(0, &h), uint64(h.Shoff)+uint64(h.Shnum)*uint64(h.Shentsize))
		for i := range uint64(h.Phnum) {
			var p elf.Prog32
			size = max(size, read(uint64(h.Phoff)+i*uint64(h.Phentsize), &p),
				uint64(p.Off)+uint64(p.Filesz))
		}
	default:
		return 0, false
	}
	return size, true
}

// target is the machine and class of an object, as GOARCH implies them.
type target struct {
	machine elf.Machine
	class   elf.Class
}

var targets = map[string]target{
	"amd64": {elf.EM_X86_64, elf.ELFCLASS64}, "arm64": {elf.EM_AARCH64, elf.ELFCLASS64},
	"386": {elf.EM_386, elf.ELFCLASS32}, "arm": {elf.EM_ARM, elf.ELFCLASS32},
	"ppc64le": {elf.EM_PPC64, elf.ELFCLASS64}, "s390x": {elf.EM_S390, elf.ELFCLASS64},
	"riscv64": {elf.EM_RISCV, elf.ELFCLASS64}, "loong64": {elf.EM_LOONGARCH, elf.ELFCLASS64},
}

// isNative reports whether an object is of this machine's own architecture.
func isNative(file *elf.File) bool {
	own, known := targets[runtime.GOARCH]
	return !known || own == target{file.Machine, file.Class}
}

// architecture names the machine of an object as GOARCH does, where that has a name for it.
func architecture(file *elf.File) string {
	for name, t := range targets {
		if t == (target{file.Machine, file.Class}) {
			return name
		}
	}
	return fmt.Sprintf("%s (%s)", file.Machine, file.Class)
}

// The note's owner and type: systemd.io, Package Metadata for ELF Files.
const (
	noteOwner = "FDO\x00"
	noteType  = 0xcafe1a7e
)

// ErrNoVersion is the error of a file without a version, such as one that go build made without
// make.
var ErrNoVersion = errors.New("has no version: not built by make")

// VersionOf returns which version of this project an ELF file was built from. The build writes it
// into a note (packaging/package-note), so that a core dump names it too. The error is
// [ErrNoVersion] if there is no such note, and else that of reading the file.
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

// parseNote reads the note: three numbers of four bytes (the lengths of owner and text, the type),
// then owner and text.
func parseNote(note []byte, order binary.ByteOrder) (string, error) {
	const header = 12
	start := header + len(noteOwner)
	if len(note) < start || order.Uint32(note[8:]) != noteType ||
		string(note[header:start]) != noteOwner ||
		uint64(order.Uint32(note[4:])) > uint64(len(note)-start) {
		return "", ErrNoVersion
	}
	text := note[start:][:order.Uint32(note[4:])]
	var document struct{ Version string }
	err := json.Unmarshal(bytes.TrimRight(text, "\x00"), &document)
	if err != nil || document.Version == "" {
		return "", ErrNoVersion
	}
	return document.Version, nil
}
