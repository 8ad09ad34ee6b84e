using System.Text;

using ZeroOS.Formats.Iso;

namespace ZeroOS.Tests.Formats.Iso;

public class IsoReaderTests
{
    /// <summary>An image as xorriso makes it, with a file two folders down and many beside it.</summary>
    private static byte[] Image()
    {
        string folder = Directory.CreateTempSubdirectory("zos-iso").FullName;
        try
        {
            string deep = Path.Combine(folder, "tree", "isolinux", "deeper");
            Directory.CreateDirectory(deep);
            for (int i = 0; i < 100; i++)
                File.WriteAllText(Path.Combine(deep, $"file{i}.txt"), $"content {i}");
            File.WriteAllText(Path.Combine(folder, "tree", "isolinux", "farm.cpio"), "the settings");
            Judge.Ask("xorriso", "-as", "mkisofs", "-quiet", "-r", "-iso-level", "3", "-o", Path.Combine(folder, "iso"), Path.Combine(folder, "tree"));
            return File.ReadAllBytes(Path.Combine(folder, "iso"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [SkippableFact]
    public void Files_of_an_image_by_xorriso_are_found_where_they_are()
    {
        byte[] image = Image();
        Assert.True(IsoReader.IsIso(new MemoryStream(image)));
        Assert.Equal("the settings", Content("isolinux/farm.cpio"));
        Assert.Equal("content 99", Content("ISOLINUX/Deeper/file99.txt"));
        Assert.Null(IsoReader.Find(new MemoryStream(image), "isolinux/file99.txt"));
        Assert.Null(IsoReader.Find(new MemoryStream(image), "isolinux/farm.cpio/below"));
        Assert.Null(IsoReader.Find(new MemoryStream(image), "isolinux"));

        string? Content(string path) =>
            IsoReader.Find(new MemoryStream(image), path) is { } place ? Encoding.ASCII.GetString(image, (int)place.Offset, (int)place.Bytes) : null;
    }

    [Fact]
    public void What_is_no_image_is_refused()
    {
        Assert.False(IsoReader.IsIso(new MemoryStream(new byte[100])));
        Assert.Throws<InvalidDataException>(() => IsoReader.Find(new MemoryStream(new byte[100_000]), "a"));
    }

    [SkippableFact]
    public void Mutated_images_are_read_or_refused_and_nothing_else()
    {
        byte[] sample = Image();
        int root = 2048 * BitConverter.ToInt32(sample, (16 * 2048) + 158);
        Random random = new(5);
        for (int i = 0; i < 10_000; i++)
        {
            List<(int At, byte Was)> undo = [];
            for (int n = random.Next(1, 6); n > 0; n--)
            {
                int at = random.Next(3) switch { 0 => (16 * 2048) + random.Next(190), 1 => root + random.Next(400), _ => root + 2048 + random.Next(6000) };
                undo.Add((at, sample[at]));
                sample[at] = (byte)random.Next(256);
            }
            try
            {
                IsoReader.Find(new MemoryStream(sample, 0, random.Next(8) == 0 ? random.Next(sample.Length) : sample.Length), "isolinux/deeper/file99.txt");
            }
            catch (InvalidDataException)
            {
                // its own exception: refused, with a reason
            }
            for (int n = undo.Count - 1; n >= 0; n--)
                sample[undo[n].At] = undo[n].Was;
        }
    }
}
