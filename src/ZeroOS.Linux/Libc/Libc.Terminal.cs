using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>asm-generic/termbits.h: the kernel's own, not the C library's longer one.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct termios
{
    public uint c_iflag, c_oflag, c_cflag, c_lflag;
    public byte c_line;
    public control_characters c_cc;

    [InlineArray(19)]
    public struct control_characters
    {
        private byte _first;
    }
}

/// <summary>asm-generic/termios.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct winsize
{
    public ushort ws_row, ws_col, ws_xpixel, ws_ypixel;
}

/// <summary>linux/kd.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct kbentry
{
    public byte kb_table, kb_index;
    public ushort kb_value;
}
