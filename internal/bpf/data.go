package bpf

import "encoding/binary"

// Where the parts of struct seccomp_data lie, in bytes: <linux/seccomp.h>.
const (
	OffNr    = 0  // int nr
	OffArch  = 4  // __u32 arch
	OffIP    = 8  // __u64 instruction_pointer
	OffArgs  = 16 // __u64 args[6]
	DataSize = 64
)

// Data is what a filter is run on, struct seccomp_data.
type Data struct {
	Nr        uint32
	Arch      uint32 // AUDIT_ARCH_*
	IP        uint64
	Args      [6]uint64
	BigEndian bool // the target's byte order: which half of an argument comes first
}

// ArgOffset returns where the low or the high half of an argument lies.
func ArgOffset(arg int, high, bigEndian bool) uint32 {
	off := uint32(OffArgs + 8*arg)
	if high != bigEndian {
		off += 4
	}
	return off
}

// Bytes returns the structure as it lies in the target's memory.
func (d *Data) Bytes() [DataSize]byte {
	var b [DataSize]byte
	var order binary.ByteOrder = binary.LittleEndian
	if d.BigEndian {
		order = binary.BigEndian
	}
	order.PutUint32(b[OffNr:], d.Nr)
	order.PutUint32(b[OffArch:], d.Arch)
	order.PutUint64(b[OffIP:], d.IP)
	for i, a := range d.Args {
		order.PutUint64(b[OffArgs+8*i:], a)
	}
	return b
}

// word returns the word at an offset that Check has let pass, in the target's own order, as the kernel loads it:
// "BPF_W | BPF_ABS … becomes BPF_LDX | BPF_W | BPF_ABS" of seccomp_check_filter, a plain 32-bit load.
func (d *Data) word(off uint32) uint32 {
	switch off {
	case OffNr:
		return d.Nr
	case OffArch:
		return d.Arch
	}
	x := d.IP
	if off >= OffArgs {
		x = d.Args[(off-OffArgs)/8]
	}
	if (off%8 == 0) == d.BigEndian {
		return uint32(x >> 32)
	}
	return uint32(x)
}
