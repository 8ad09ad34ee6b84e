using System.Buffers.Binary;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// The log that QEMU's blklogwrites filter keeps of a disk (the format of the kernel's dm-log-writes: Documentation/admin-guide/device-mapper/log-writes.rst).
/// A power cut is played from it: everything up to the last flush before the cut is on the medium, and of what came after, any subset may be.
/// </summary>
internal sealed class BlockLog
{
    private const int SectorBytes = 512;
    private const ulong Magic = 0x6a736677736872, Flush = 1, Fua = 2, Discard = 4;
    private readonly string _file;
    private readonly List<Entry> _entries = [];

    private BlockLog(string file) => _file = file;

    /// <summary>Number of requests logged.</summary>
    public int Count => _entries.Count;

    /// <summary>qemu/run's --drive for a disk whose writes are logged.</summary>
    public static string Drive(string disk, string log) =>
        $"driver=blklogwrites,file.driver=file,file.filename={disk},log.driver=file,log.filename={log},log-super-update-interval=1";

    /// <summary>How many requests the log holds now, while QEMU goes on writing to it.</summary>
    public static int CountNow(string log)
    {
        using FileStream stream = new(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        Span<byte> header = stackalloc byte[32];
        stream.ReadExactly(header);
        return (int)BinaryPrimitives.ReadUInt64LittleEndian(header[16..]);
    }

    /// <summary>Reads the log of a QEMU that has ended.</summary>
    public static BlockLog Read(string file)
    {
        BlockLog log = new(file);
        using FileStream stream = File.OpenRead(file);
        byte[] sector = new byte[SectorBytes];
        stream.ReadExactly(sector);
        if (BinaryPrimitives.ReadUInt64LittleEndian(sector) != Magic)
            throw new InvalidDataException($"{file} is not a block log");
        int count = (int)BinaryPrimitives.ReadUInt64LittleEndian(sector.AsSpan(16));
        long at = SectorBytes;
        for (int i = 0; i < count; i++)
        {
            stream.Position = at;
            stream.ReadExactly(sector);
            ulong start = BinaryPrimitives.ReadUInt64LittleEndian(sector), length = BinaryPrimitives.ReadUInt64LittleEndian(sector.AsSpan(8)),
                flags = BinaryPrimitives.ReadUInt64LittleEndian(sector.AsSpan(16));
            at += SectorBytes;
            log._entries.Add(new Entry((long)start, (long)length, flags, at));
            if ((flags & Discard) == 0)
                at += (long)length * SectorBytes;
        }
        return log;
    }

    /// <summary>
    /// Makes the disk as a power cut after <paramref name="cut"/> requests would have left it: a sparse file of <paramref name="sizeBytes"/>.
    /// </summary>
    public void Replay(string disk, long sizeBytes, int cut, Random random)
    {
        File.Delete(disk);
        ReplayOver(disk, sizeBytes, cut, random);
    }

    /// <summary>As <see cref="Replay"/>, over a file that holds what was on the disk before the log began.</summary>
    public void ReplayOver(string disk, long sizeBytes, int cut, Random random)
    {
        int durable = cut == 0 ? -1 : _entries.FindLastIndex(cut - 1, e => (e.Flags & Flush) != 0);
        using FileStream target = new(disk, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        target.SetLength(sizeBytes);
        using FileStream source = File.OpenRead(_file);
        byte[] buffer = new byte[1 << 20];
        for (int i = 0; i < cut; i++)
        {
            Entry entry = _entries[i];
            bool kept = i <= durable || (entry.Flags & Fua) != 0 || random.Next(2) == 0;
            if (!kept || entry.Sectors == 0 || (entry.Flags & Discard) != 0)
                continue; // a discard may always be ignored by the medium
            source.Position = entry.DataAt;
            target.Position = entry.Sector * SectorBytes;
            for (long left = entry.Sectors * SectorBytes; left > 0;)
            {
                int part = (int)Math.Min(left, buffer.Length);
                source.ReadExactly(buffer, 0, part);
                target.Write(buffer, 0, part);
                left -= part;
            }
        }
    }

    private readonly record struct Entry(long Sector, long Sectors, ulong Flags, long DataAt);
}
