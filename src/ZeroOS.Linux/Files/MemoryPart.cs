using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>One piece of a scattered buffer, in the layout of struct iovec, so that an array of them goes to the kernel as it is.</summary>
/// <param name="pointer">The first byte; the caller keeps it valid until the call or the ring's completion is over.</param>
/// <param name="length">Bytes.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly unsafe struct MemoryPart(byte* pointer, nuint length)
{
    /// <summary>The first byte.</summary>
    public readonly byte* Pointer = pointer;

    /// <summary>Bytes.</summary>
    public readonly nuint Length = length;
}
