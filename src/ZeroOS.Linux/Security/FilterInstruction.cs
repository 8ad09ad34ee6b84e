using System.Runtime.InteropServices;

namespace ZeroOS.Linux.Security;

/// <summary>struct sock_filter: one instruction of a classic BPF program (linux/filter.h). Jumps are relative to the next instruction.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct FilterInstruction(ushort Code, byte WhenTrue, byte WhenFalse, uint Operand)
{
    /// <summary>Load a word of struct seccomp_data; jump; jump if equal, or at least; and with a constant; end with an action.</summary>
    public const ushort Load = 0x20, Jump = 0x05, JumpIfEqual = 0x15, JumpIfAtLeast = 0x35, And = 0x54, Return = 0x06;

    /// <summary>Offsets in struct seccomp_data: number, architecture, arguments of eight bytes.</summary>
    public const uint NumberOffset = 0, ArchitectureOffset = 4, ArgumentsOffset = 16;

    /// <summary>An instruction that does not jump by itself.</summary>
    public static FilterInstruction Plain(ushort code, uint operand) => new(code, 0, 0, operand);
}
