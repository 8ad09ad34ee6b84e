using System.Runtime.CompilerServices;

using ZeroOS.Flist;
using ZeroOS.Images.Store;

namespace ZeroOS.Tests.Images.Store;

/// <summary>Images are names here: none is ever opened.</summary>
public sealed class ChunkDirectoryTests
{
    [Fact]
    public void One_image_names_so_many_chunks_and_leaves_room_for_others()
    {
        ChunkDirectory directory = new(null);
        Image large = Name();
        for (int i = 0; i < ChunkDirectory.MaxOfImage + 1000; i++)
            directory.Add(Digest(i), large, i);
        Assert.Equal((large, ChunkDirectory.MaxOfImage - 1), directory.Find(Digest(ChunkDirectory.MaxOfImage - 1)));
        Assert.Null(directory.Find(Digest(ChunkDirectory.MaxOfImage)));
        Image other = Name();
        directory.Add(Digest(ChunkDirectory.MaxOfImage), other, 7);
        Assert.Equal((other, 7), directory.Find(Digest(ChunkDirectory.MaxOfImage)));
        directory.RemoveAll(large);
        directory.Add(Digest(0), other, 8);
        Assert.Equal((other, 8), directory.Find(Digest(0)));
    }

    [Fact]
    public void All_images_together_have_a_limit_and_a_tenants_own_have_a_smaller_one()
    {
        ChunkDirectory all = new(null), own = new(all);
        Fill(all, 20);
        Fill(own, 20);
        Assert.Equal(ChunkDirectory.MaxChunks, Enumerable.Range(0, 20 * 20_000).Count(i => all.Find(Digest(i)) is not null));
        Assert.Equal(ChunkDirectory.MaxOfTenant,
            Enumerable.Range(0, 20 * 20_000).Count(i => own.Find(Digest(i)) is { Image: var image } && image != all.Find(Digest(i))?.Image));
    }

    private static void Fill(ChunkDirectory directory, int images)
    {
        for (int image = 0; image < images; image++)
        {
            Image name = Name();
            for (int chunk = 0; chunk < 20_000; chunk++)
                directory.Add(Digest((image * 20_000) + chunk), name, chunk);
        }
    }

    private static Sha256Digest Digest(int i) => Sha256Digest.Of(BitConverter.GetBytes(i));

    private static Image Name() => (Image)RuntimeHelpers.GetUninitializedObject(typeof(Image));
}
