using ZeroOS.Linux;
using ZeroOS.Media.Flash;

namespace ZeroOS.Tests.Media.Flash;

/// <summary>A disk of a fixed size in a file. It may fail, lie, or be told of each write.</summary>
internal sealed class FakeDisk : FlashTarget
{
    private FakeDisk(string path, FileDescriptor file, long bytes) : base("/dev/fake", file) => (Path, CapacityBytes) = (path, bytes);

    public string Path { get; }

    public override long? CapacityBytes { get; }

    public override string Unfinished => "it starts nothing";

    public Action<long>? Writing { get; init; }

    /// <summary>Writes from here on are forgotten, as by a stick that is smaller than it says.</summary>
    public long HoldsBytes { get; init; } = long.MaxValue;

    public int Settled { get; private set; }

    public bool Finished { get; private set; }

    /// <summary>A disk full of old data.</summary>
    public static FakeDisk Make(FlashBench bench, long bytes, Action<long>? writing = null, long holdsBytes = long.MaxValue)
    {
        string path = System.IO.Path.Combine(bench.Folder, $"disk{bytes}");
        byte[] old = new byte[1 << 20];
        Array.Fill(old, (byte)0xA5);
        using (FileStream file = new(path, FileMode.Create))
        {
            for (long left = bytes; left > 0; left -= old.Length)
                file.Write(old, 0, (int)Math.Min(left, old.Length));
        }
        return new FakeDisk(path, FileDescriptor.Open(path, OpenFlags.ReadWrite), bytes) { Writing = writing, HoldsBytes = holdsBytes };
    }

    public override void Write(ReadOnlySpan<byte> buffer, long offset)
    {
        Assert.Equal((0, 0L, true), (buffer.Length % 512, offset % 512, offset >= 0 && offset + buffer.Length <= CapacityBytes));
        Writing?.Invoke(offset);
        if (offset < HoldsBytes)
            base.Write(buffer, offset);
    }

    public override void Settle() => Settled++;

    public override void Finish() => Finished = true;
}
