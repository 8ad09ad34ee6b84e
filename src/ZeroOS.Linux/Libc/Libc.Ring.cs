using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>struct io_uring_restriction (linux/io_uring.h): what a ring may be asked to do.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct io_uring_restriction
{
    /// <summary>An IORING_RESTRICTION number: what kind of permission this is.</summary>
    internal ushort opcode;

    /// <summary>The IORING_OP or IOSQE bits permitted.</summary>
    internal byte what;
    internal byte resv;
    internal uint resv0, resv1, resv2;
}

// Ours: Tmds.LibC 0.5.0 knows io_uring as of Linux 5.7; restrictions came with 5.10.
internal static partial class Libc
{
    internal const uint IORING_SETUP_R_DISABLED = 0x40;
    internal const uint IORING_REGISTER_RESTRICTIONS = 11, IORING_REGISTER_ENABLE_RINGS = 12;
    internal const ushort IORING_RESTRICTION_SQE_OP = 1, IORING_RESTRICTION_SQE_FLAGS_ALLOWED = 2, IORING_RESTRICTION_SQE_FLAGS_REQUIRED = 3;
}
