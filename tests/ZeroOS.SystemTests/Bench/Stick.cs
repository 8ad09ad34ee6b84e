using System.Globalization;

using ZeroOS.Formats.Gpt;

namespace ZeroOS.SystemTests.Bench;

/// <summary>A copy of out/zeroos.img that a test may change and boot from, its EFI system partition written by mtools: another hand than ours.</summary>
internal sealed class Stick
{
    /// <summary>Where firmware looks for what it boots from a medium.</summary>
    public const string Efi = "EFI/BOOT/BOOTX64.EFI";

    private Stick(string file, GptPartition partition) => (File, Partition) = (file, partition);

    /// <summary>The image file.</summary>
    public string File { get; }

    /// <summary>Its EFI system partition.</summary>
    public GptPartition Partition { get; }

    private string Volume => string.Create(CultureInfo.InvariantCulture, $"{File}@@{Partition.OffsetBytes}");

    /// <summary>Copies the image.</summary>
    public static Stick Copy(string file)
    {
        System.IO.File.Copy(Checkout.Path("out", "zeroos.img"), file, overwrite: true);
        using FileStream disk = System.IO.File.OpenRead(file);
        return new Stick(file, GptReader.Read(disk).Partitions.Single(p => p.Type == GptPartition.EfiSystem));
    }

    /// <summary>Puts a file on it, in the place of one that is there.</summary>
    public async Task Put(string file, string path)
    {
        string folder = "";
        foreach (string part in path.Split('/')[..^1])
        {
            folder += "/" + part;
            // -D s: a folder that is there is left as it is.
            await Command.Run("mmd", ["-D", "s", "-i", Volume, $"::{folder}"], TimeSpan.FromSeconds(20));
        }
        (await Command.Run("mcopy", ["-o", "-i", Volume, file, $"::/{path}"], TimeSpan.FromSeconds(60))).Ok();
    }

    /// <summary>Takes a file off it.</summary>
    public async Task Get(string path, string file) => (await Command.Run("mcopy", ["-o", "-i", Volume, $"::/{path}", file], TimeSpan.FromSeconds(60))).Ok();
}
