using ZeroOS.Linux;
using ZeroOS.Linux.Security;

namespace ZeroOS.Tests.Linux.Security;

/// <summary>What the kernel would answer: the few instructions of classic BPF that filters use, run on a call.</summary>
internal static class FilterMachine
{
    internal const uint Allow = 0x7fff0000, Trap = 0x00030000, Kill = 0x80000000, NativeArchitecture = 0xc000003e;

    internal static uint Run(SystemCallFilter filter, SystemCall call, params ulong[] arguments) => Run(filter, NativeArchitecture, (uint)call, arguments);

    internal static uint Run(SystemCallFilter filter, uint architecture, uint number, params ulong[] arguments)
    {
        uint a = 0;
        for (int at = 0; ; at++)
        {
            FilterInstruction i = filter.Program[at];
            switch (i.Code)
            {
                case FilterInstruction.Load:
                    a = Word(architecture, number, arguments, i.Operand);
                    break;
                case FilterInstruction.And:
                    a &= i.Operand;
                    break;
                case FilterInstruction.Jump:
                    at += (int)i.Operand;
                    break;
                case FilterInstruction.JumpIfEqual:
                    at += a == i.Operand ? i.WhenTrue : i.WhenFalse;
                    break;
                case FilterInstruction.JumpIfAtLeast:
                    at += a >= i.Operand ? i.WhenTrue : i.WhenFalse;
                    break;
                case FilterInstruction.Return:
                    return i.Operand;
                default:
                    throw new InvalidOperationException($"instruction 0x{i.Code:x} at {at}");
            }
        }
    }

    internal static uint Error(Errno errno) => 0x00050000 | (uint)errno;

    /// <summary>Whoever is under the filter gets memory, and none of it executable or shared.</summary>
    internal static void AssertMemoryIsPrivateData(SystemCallFilter filter)
    {
        const ulong ReadWrite = 3, ReadExecute = 5, All = 7, SharedAnonymous = 0x21, PrivateAnonymous = 0x22;
        Assert.Equal(Allow, Run(filter, SystemCall.mmap, 0, 4096, ReadWrite, PrivateAnonymous));
        Assert.Equal(Trap, Run(filter, SystemCall.mmap, 0, 4096, All, PrivateAnonymous));
        Assert.Equal(Trap, Run(filter, SystemCall.mmap, 0, 4096, ReadWrite, SharedAnonymous));
        Assert.Equal(Trap, Run(filter, SystemCall.mprotect, 0, 4096, ReadExecute));
    }

    private static uint Word(uint architecture, uint number, ulong[] arguments, uint offset)
    {
        if (offset == FilterInstruction.NumberOffset)
            return number;
        if (offset == FilterInstruction.ArchitectureOffset)
            return architecture;
        uint at = offset - FilterInstruction.ArgumentsOffset;
        ulong value = at / 8 < arguments.Length ? arguments[at / 8] : 0;
        return at % 8 == 0 ? (uint)value : (uint)(value >> 32);
    }
}
