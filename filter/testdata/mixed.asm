; amd64, 43 instructions
l0:   ld [4]                        ; arch
l1:   jeq #0xc000003e, l2, l37
l2:   ld [0]                        ; nr
l3:   jeq #0x1, l38, l4             ; write
l4:   jeq #0x9, l27, l5             ; mmap
l5:   jeq #0x101, l23, l6           ; openat
l6:   jeq #0x53, l20, l7            ; mkdir
l7:   jeq #0x12e, l12, l8           ; prlimit64
l8:   jeq #0x27, l41, l9            ; getpid
l9:   jge #0x40000000, l10, l11
l10:  jeq #0xffffffff, l11, l37
l11:  ret #0x50026                  ; errno ENOSYS: unknown number
; prlimit64
l12:  ld [36]                       ; arg2, high word
l13:  jeq #0x1, l41, l14
l14:  jeq #0x0, l18, l15
l15:  jeq #0x2, l16, l42
l16:  ld [32]                       ; arg2
l17:  jge #0x8, l42, l41
l18:  ld [32]                       ; arg2
l19:  jge #0xfffffffb, l41, l42
; mkdir
l20:  ld [24]                       ; arg1
l21:  and #0xffff
l22:  jge #0x200, l42, l41
; openat
l23:  ld [16]                       ; arg0
l24:  jeq #0xffffff9c, l25, l42
l25:  ld [32]                       ; arg2
l26:  jset #0x243, l42, l41
; mmap
l27:  ld [40]                       ; arg3
l28:  and #0x30
l29:  jeq #0x20, l32, l30
l30:  ld [32]                       ; arg2
l31:  jset #0x4, l37, l42
l32:  ld [32]                       ; arg2
l33:  jge #0x2, l34, l41
l34:  jeq #0x3, l41, l35
l35:  jeq #0x2, l42, l36
l36:  jset #0x4, l37, l42
l37:  ret #0x80000000               ; kill: mixed.policy:3, foreign ABI
; write
l38:  ld [16]                       ; arg0
l39:  jeq #0x0, l42, l40
l40:  jge #0x3, l42, l41
l41:  ret #0x7fff0000               ; allow: mixed.policy:2, mixed.policy:3, mixed.policy:4, mixed.policy:5 and 2 more
l42:  ret #0x50001                  ; errno EPERM: deny of stage serve
