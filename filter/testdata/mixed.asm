; amd64, 43 instructions
l0:   ld [4]                        ; arch
l1:   jeq #0xc000003e, l2, l40
l2:   ld [0]                        ; nr
l3:   jeq #0x1, l33, l4             ; write
l4:   jeq #0x9, l23, l5             ; mmap
l5:   jeq #0x101, l19, l6           ; openat
l6:   jeq #0x53, l16, l7            ; mkdir
l7:   jeq #0x12e, l8, l37           ; prlimit64
; prlimit64
l8:   ld [36]                       ; arg2, high word
l9:   jeq #0x1, l42, l10
l10:  jeq #0x0, l14, l11
l11:  jeq #0x2, l12, l36
l12:  ld [32]                       ; arg2
l13:  jge #0x8, l36, l42
l14:  ld [32]                       ; arg2
l15:  jge #0xfffffffb, l42, l36
; mkdir
l16:  ld [24]                       ; arg1
l17:  and #0xffff
l18:  jge #0x200, l36, l42
; openat
l19:  ld [16]                       ; arg0
l20:  jeq #0xffffff9c, l21, l36
l21:  ld [32]                       ; arg2
l22:  jset #0x243, l36, l42
; mmap
l23:  ld [40]                       ; arg3
l24:  and #0x30
l25:  jeq #0x20, l28, l26
l26:  ld [32]                       ; arg2
l27:  jset #0x4, l40, l36
l28:  ld [32]                       ; arg2
l29:  jge #0x2, l30, l42
l30:  jeq #0x3, l42, l31
l31:  jeq #0x2, l36, l32
l32:  jset #0x4, l40, l36
; write
l33:  ld [16]                       ; arg0
l34:  jeq #0x0, l36, l35
l35:  jge #0x3, l36, l42
l36:  ret #0x50001                  ; errno EPERM: deny of stage serve
l37:  jeq #0x27, l42, l38           ; getpid
l38:  jge #0x40000000, l39, l41
l39:  jeq #0xffffffff, l41, l40
l40:  ret #0x80000000               ; kill: mixed.policy:3, foreign ABI
l41:  ret #0x50026                  ; errno ENOSYS: unknown number
l42:  ret #0x7fff0000               ; allow: mixed.policy:2, mixed.policy:3, mixed.policy:4, mixed.policy:5 and 2 more
