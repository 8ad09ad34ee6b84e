using System.Security.Cryptography;

using ZeroOS.Linux;

namespace ZeroOS.Media.Flash;

/// <summary>What was written.</summary>
/// <param name="Bytes">Length of the image.</param>
/// <param name="BackupTable">Why the backup partition table was not moved to the end of the disk; null when it was.</param>
internal sealed record FlashResult(long Bytes, string? BackupTable);

/// <summary>
/// Writes an image, reads it back and compares. The first megabyte, with the partition table, is written last and the disk begins and ends with zeros until
/// then: a write that was interrupted leaves a disk on which nothing is found, never one that starts half a system.
/// </summary>
internal sealed class FlashJob(FlashImage image, FlashTarget target, IFlashProgress progress, CancellationToken cancellation)
{
    /// <summary>Written and compared at a time.</summary>
    internal const int PieceBytes = 1 << 20;

    private const int SectorBytes = 512;

    private readonly List<byte[]> _sums = [];
    private long _length;

    /// <summary>Does it.</summary>
    /// <exception cref="MediaException">Why not, and what is left.</exception>
    public FlashResult Run()
    {
        using AlignedBuffer buffer = new(PieceBytes);
        byte[] head = new byte[Fill(buffer.Span)];
        buffer.Span[..head.Length].CopyTo(head);
        CheckFits(head);
        string doing = "written";
        try
        {
            Clear(buffer.Span);
            WriteBody(buffer.Span, head);
            image.CheckSum();
            byte[] tail = [];
            string? why = "a file ends where its image does";
            if (target.CapacityBytes is long capacity && BackupTable.TryMove(head, _length, capacity, out byte[]? moved, out why))
                tail = moved;
            target.Settle();
            doing = "read back";
            CompareBody(buffer.Span);
            doing = "written";
            WriteEdge(buffer.Span, head, 0);
            WriteEdge(buffer.Span, tail, (target.CapacityBytes ?? 0) / SectorBytes * SectorBytes - tail.Length);
            target.Settle();
            doing = "read back";
            CompareEdge(buffer.Span, head, 0);
            CompareEdge(buffer.Span, tail, (target.CapacityBytes ?? 0) / SectorBytes * SectorBytes - tail.Length);
            target.Finish();
            return new FlashResult(_length, why);
        }
        catch (OperationCanceledException)
        {
            throw new MediaException($"interrupted; {target.Unfinished}");
        }
        catch (MediaException e)
        {
            throw new MediaException($"{e.Message} ({target.Unfinished})");
        }
        catch (InvalidDataException e)
        {
            throw new MediaException($"the image cannot be unpacked: {e.Message} Download it again ({target.Unfinished})");
        }
        catch (LinuxException e)
        {
            throw new MediaException($"{target.Name} cannot be {doing}: {Explain(e.Errno)} ({target.Unfinished})");
        }
    }

    private static string Explain(Errno errno) => errno switch
    {
        Errno.EIO => "the disk reports an error; try another one, or another socket",
        Errno.ENOSPC => "there is no room left for it",
        Errno.ENODEV or Errno.ENXIO => "it was taken away",
        _ => errno.ToString(),
    };

    /// <summary>What would go wrong later is said while nothing is touched.</summary>
    private void CheckFits(ReadOnlySpan<byte> head)
    {
        bool disk = head.Length >= SectorBytes && head[510] == 0x55 && head[511] == 0xAA;
        if (!disk && head.StartsWith("MZ"u8))
            throw new MediaException("the image is an EFI program, not a disk; flash zeroos.img, which holds it");
        if (!disk)
            throw new MediaException("the image is no disk image: its first sector does not end as one does; flash zeroos.img or zeroos.iso");
        if (image.Length > target.CapacityBytes)
            throw new MediaException($"{target.Name} is too small: it holds {DecimalSizes.Text(target.CapacityBytes.Value)} "
                + $"and the image has {DecimalSizes.Text(image.Length.Value)}");
    }

    /// <summary>Neither the table in front nor its copy at the end is found until the end.</summary>
    private void Clear(Span<byte> buffer)
    {
        if (target.CapacityBytes is not long capacity)
            return;
        buffer.Clear();
        int edge = (int)Math.Min(PieceBytes, capacity / SectorBytes * SectorBytes);
        target.Write(buffer[..edge], 0);
        target.Write(buffer[..edge], (capacity / SectorBytes * SectorBytes) - edge);
    }

    private void WriteBody(Span<byte> buffer, ReadOnlySpan<byte> head)
    {
        progress.Begin("writing", image.Length);
        int length = head.Length;
        head.CopyTo(buffer);
        while (length > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            int padded = (length + SectorBytes - 1) / SectorBytes * SectorBytes;
            buffer[length..padded].Clear();
            if (_length + padded > target.CapacityBytes)
                throw new MediaException($"{target.Name} is too small: it holds {DecimalSizes.Text(target.CapacityBytes.Value)} and the image is longer");
            if (_length > 0)
                target.Write(buffer[..padded], _length);
            _sums.Add(SHA256.HashData(buffer[..padded]));
            _length += length;
            progress.At(_length);
            length = length == PieceBytes ? Fill(buffer) : 0;
        }
        progress.End(_length);
    }

    private void CompareBody(Span<byte> buffer)
    {
        progress.Begin("comparing", _length);
        for (int i = 1; i < _sums.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            long offset = (long)i * PieceBytes;
            int padded = (int)((Math.Min(PieceBytes, _length - offset) + SectorBytes - 1) / SectorBytes * SectorBytes);
            target.Read(buffer[..padded], offset);
            if (!SHA256.HashData(buffer[..padded]).AsSpan().SequenceEqual(_sums[i]))
                throw Differs(offset);
            progress.At(offset + padded);
        }
        progress.End(_length);
    }

    private void WriteEdge(Span<byte> buffer, ReadOnlySpan<byte> bytes, long offset)
    {
        if (bytes.IsEmpty)
            return;
        int padded = (bytes.Length + SectorBytes - 1) / SectorBytes * SectorBytes;
        bytes.CopyTo(buffer);
        buffer[bytes.Length..padded].Clear();
        target.Write(buffer[..padded], offset);
    }

    private void CompareEdge(Span<byte> buffer, ReadOnlySpan<byte> bytes, long offset)
    {
        if (bytes.IsEmpty)
            return;
        target.Read(buffer[..((bytes.Length + SectorBytes - 1) / SectorBytes * SectorBytes)], offset);
        if (!buffer[..bytes.Length].SequenceEqual(bytes))
            throw Differs(offset);
    }

    private MediaException Differs(long offset) =>
        new($"{target.Name} does not hold what was written to it near byte {offset}: it is worn out, or larger on its label than inside; use another one");

    private int Fill(Span<byte> buffer) => image.Bytes.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
}
