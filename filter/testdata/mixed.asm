; amd64, 42 instructions
l0:   ld [4]                        ; arch
l1:   jeq #0xc000003e, l2, l39
l2:   ld [0]                        ; nr
l3:   jeq #0x1, l32, l4             ; write
l4:   jeq #0x9, l23, l5             ; mmap
l5:   jeq #0x101, l19, l6           ; openat
l6:   jeq #0x53, l16, l7            ; mkdir
l7:   jeq #0x12e, l8, l36           ; prlimit64
; prlimit64
l8:   ld [36]                       ; arg2, high word
l9:   jeq #0x1, l41, l10
l10:  jeq #0x2, l14, l11
l11:  jge #0x3, l35, l12
l12:  ld [32]                       ; arg2
l13:  jge #0xfffffffb, l41, l35
l14:  ld [32]                       ; arg2
l15:  jge #0x8, l35, l41
; mkdir
l16:  ld [24]                       ; arg1
l17:  and #0xffff
l18:  jge #0x200, l35, l41
; openat
l19:  ld [16]                       ; arg0
l20:  jeq #0xffffff9c, l21, l35
l21:  ld [32]                       ; arg2
l22:  jset #0x243, l35, l41
; mmap
l23:  ld [40]                       ; arg3
l24:  and #0x30
l25:  jeq #0x20, l28, l26
l26:  ld [32]                       ; arg2
l27:  jset #0x4, l39, l35
l28:  ld [32]                       ; arg2
l29:  jeq #0x2, l35, l30
l30:  jge #0x4, l31, l41
l31:  jset #0x4, l39, l35
; write
l32:  ld [16]                       ; arg0
l33:  jge #0x1, l34, l35
l34:  jge #0x3, l35, l41
l35:  ret #0x50001                  ; errno EPERM: deny of stage serve
l36:  jeq #0x27, l41, l37           ; getpid
l37:  jge #0x40000000, l38, l40
l38:  jge #0xffffffff, l40, l39
l39:  ret #0x80000000               ; kill: mixed.policy:3, foreign ABI
l40:  ret #0x50026                  ; errno ENOSYS: unknown number
l41:  ret #0x7fff0000               ; allow: mixed.policy:2, mixed.policy:3, mixed.policy:4, mixed.policy:5 and 2 more
