using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Engine.Admission;

/// <summary>How large a guest's disk may be.</summary>
internal static class DiskSizes
{
    /// <summary>The least a tenant may ask for; a disk smaller than the ext4 template is made as large as that.</summary>
    public const long MinDiskBytes = 128L << 20;

    /// <summary>What ext4 with 4 KiB blocks and 32-bit block numbers holds.</summary>
    public const long MaxDiskBytes = 16L << 40;

    /// <summary>Checks a guest disk's size.</summary>
    public static void Check(string path, ByteSize size)
    {
        if (size.Bytes < MinDiskBytes)
            throw Refuse.Invalid(path, "a disk has at least 128MiB");
        if (size.Bytes > MaxDiskBytes)
            throw Refuse.Invalid(path, "a disk has at most 16TiB");
    }

    /// <summary>Bytes as a disk has them: whole pages.</summary>
    public static long Rounded(long bytes) => (bytes + 4095) & ~4095L;
}
