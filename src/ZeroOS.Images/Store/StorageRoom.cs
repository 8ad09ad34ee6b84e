using ZeroOS.Linux;

namespace ZeroOS.Images.Store;

/// <summary>
/// Room on the file system that images share with the node's own state: the last bytes of it are not theirs. Asked before each write of an image's bytes.
/// </summary>
internal sealed class StorageRoom(Func<(long Capacity, long Free)> storage, long? reserveBytes, Action wanted)
{
    private const long LeastReserve = 32L << 20, MostReserve = 1L << 30;

    /// <summary>Takes nothing; refuses what would not leave the reserve, and asks for images that nobody uses to be evicted.</summary>
    /// <exception cref="LinuxException">ENOSPC.</exception>
    public void Require(long bytes)
    {
        (long capacity, long free) = storage();
        if (free - bytes >= (reserveBytes ?? ReserveOf(capacity)))
            return;
        wanted();
        throw new LinuxException(Errno.ENOSPC, "write", "an image's bytes: what is free is the node's reserve");
    }

    /// <summary>Bytes that images leave free of a file system: a sixty-fourth, 32 MiB to 1 GiB.</summary>
    public static long ReserveOf(long capacityBytes) => Math.Clamp(capacityBytes / 64, LeastReserve, MostReserve);
}
