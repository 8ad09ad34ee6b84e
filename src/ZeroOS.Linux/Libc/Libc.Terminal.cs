using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>asm-generic/termbits.h. Ours: Tmds.LibC has the C library's, which is longer than what TCSETS takes.</summary>
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

/// <summary>linux/kd.h. Ours: Tmds.LibC 0.5.0 has nothing of the console.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct kbentry
{
    public byte kb_table, kb_index;
    public ushort kb_value;
}
