package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"strconv"
	"strings"
)

// textTable writes the lines "NAME" and "NAME VALUE", which are in order, as package kernel's text.
func textTable(lines []string) string {
	const block = 16
	var index, table strings.Builder
	var before string
	size := 0
	for i, line := range lines {
		name, digits, _ := strings.Cut(line, " ")
		value := int64(0)
		if digits != "" {
			var err error
			if value, err = strconv.ParseInt(digits, 10, 64); err != nil {
				log.Fatal(line, ": ", err)
			}
		}
		shared := 0
		if i%block == 0 {
			index.WriteString(string([]byte{byte(size >> 8), byte(size)}))
		} else {
			for shared < len(name) && shared < len(before) && name[shared] == before[shared] {
				shared++
			}
		}
		entry := string([]byte{byte(shared), byte(len(name) - shared)}) + name[shared:] +
			string(binary.AppendVarint(nil, value))
		fmt.Fprintf(&table, "\t%s + // %s\n", strconv.QuoteToASCII(entry), line)
		size += len(entry)
		before = name
	}
	if size >= 1<<16 {
		log.Fatalf("a table of %d bytes: its blocks' places take more than two", size)
	}
	blocks := (len(lines) + block - 1) / block
	head := string([]byte{byte(blocks >> 8), byte(blocks)}) + index.String()
	return "text(\"\" +\n\t" + strconv.QuoteToASCII(head) + " + // its blocks\n" + table.String() + "\t\"\")\n"
}
