using ZeroOS.Cli.Output;
using ZeroOS.Formats.Fat;
using ZeroOS.Formats.Gpt;
using ZeroOS.Formats.Streams;
using ZeroOS.Media.Flash;

namespace ZeroOS.Tests.Media.Flash;

/// <summary>A small image like zeroos.img, and disks to write it to.</summary>
internal sealed class FlashBench : IDisposable
{
    /// <summary>Not a multiple of what is written at a time.</summary>
    public const long ImageBytes = (80L << 20) + 512;

    public FlashBench()
    {
        const long First = 2048, Last = (ImageBytes / 512) - 35;
        Image = Path.Combine(Folder, "zeroos.img");
        using FileStream file = new(Image, FileMode.CreateNew, FileAccess.ReadWrite);
        file.SetLength(ImageBytes);
        GptTable table = new(DerivedGuid.Of("disk", "test"), ImageBytes / 512,
            [new GptPartition(GptPartition.EfiSystem, DerivedGuid.Of("esp", "test"), First, Last, 0, "zeroos")]);
        table.Write(file, default);
        byte[] efi = new byte[3_000_001];
        new Random(5).NextBytes(efi);
        SubStream volume = table.Partitions[0].Open(file);
        FatWriter.Write(volume, FatGeometry.Plan(volume.Length, 1, First), new FatIdentity("ZEROOS", 1, DateTimeOffset.UnixEpoch, default),
            [FatFile.Of("EFI/BOOT/BOOTX64.EFI", efi)]);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("zos-flash").FullName;

    public string Image { get; }

    public StringWriter Said { get; } = new();

    /// <summary>Writes the image to a disk.</summary>
    public FlashResult Flash(FlashTarget target, string? image = null, CancellationToken cancellation = default)
    {
        using FlashImage source = FlashImage.Open(image ?? Image);
        using FlashProgress progress = new(new Terminal(TextWriter.Null, Said, Stream.Null, Stream.Null, interactive: false, _ => null), TimeProvider.System);
        return new FlashJob(source, target, progress, cancellation).Run();
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
