using System.Globalization;

using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Oci.Build;
using ZeroOS.Oci.Registry;
using ZeroOS.Tests.Oci.Registry;
using ZeroOS.Tests.Shared;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Images.Store;

[Trait("tier", "kernel")]
public sealed class BuiltImageTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("zeroos-built-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [SkippableFact]
    public async Task What_the_builder_pushed_is_what_a_monitor_reads()
    {
        using DockerRegistry registry = await DockerRegistry.StartAsync();
        Random random = new(41);
        string rootfs = Path.Combine(_root, "rootfs"), layout = Path.Combine(_root, "layout"), expected = Path.Combine(_root, "device");
        for (int i = 0; i < 200; i++)
        {
            string directory = Path.Combine(rootfs, $"d{i % 7}");
            Directory.CreateDirectory(directory);
            byte[] content = new byte[random.Next(i % 20 == 0 ? 400_000 : 20_000)];
            random.NextBytes(content.AsSpan(0, content.Length / 2));
            File.WriteAllBytes(Path.Combine(directory, $"f{i}"), content);
        }
        BuildResult built = FlistBuilder.Build(FlistSource.Parse($"rootfs:{rootfs}"), layout);
        FlistArtifact artifact = FlistArtifact.Open(layout, built.ManifestDigest);
        artifact.Verify(expected);
        using (RegistryClient client = new(registry.Url, plainHttp: true))
            await FlistPublisher.PushAsync(layout, built.ManifestDigest, client, "x/y", "1");

        await using ImageBench bench = new(registry.Url);
        IImage image = await bench.Store.PrepareAsync("tenant", new FlistReference { Reference = "demo/x/y:1", Digest = built.ManifestDigest }, default);
        Assert.Equal(Enumerable.Range(0, artifact.Index.ChunkCount).Sum(c => (long)artifact.Index[c].StoredLength), image.BytesTotal);
        using TestMonitor monitor = new(image);
        for (int chunk = 0; chunk < artifact.Index.ChunkCount; chunk++)
        {
            monitor.Need(chunk);
            Assert.Equal(((uint)chunk, ChunkMessage.Ready), monitor.Receive());
        }
        Assert.Equal(image.BytesTotal, image.BytesFetched);
        Assert.True(File.ReadAllBytes(expected).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(bench.Images, built.ManifestDigest[7..], "device"))));
    }

    [SkippableFact]
    public async Task Chunks_of_another_image_share_their_storage_on_btrfs()
    {
        string disk = Path.Combine(_root, "disk"), mount = Path.Combine(_root, "mount");
        Directory.CreateDirectory(mount);
        File.WriteAllBytes(disk, []);
        using (FileStream file = File.OpenWrite(disk))
            file.SetLength(256 << 20);
        Skip.IfNot(Environment.UserName == "root" && ProgramRun.Of("mkfs.btrfs", "-q", disk).Code == 0
            && ProgramRun.Of("mount", "-o", "loop", disk, mount).Code == 0, "no root, btrfs or loop device");
        try
        {
            TestImage first = TestImage.Make(42, chunks: 20, chunkBytes: 256 * 1024),
                second = TestImage.Make(42, chunks: 20, chunkBytes: 256 * 1024, config: """{"config":{}}""");
            using TestRegistry registry = new(first, second);
            await using (ImageBench bench = new(registry.Url, images: mount))
            {
                foreach (TestImage image in new[] { first, second })
                {
                    using TestMonitor monitor = new(await bench.Store.PrepareAsync("tenant", image.Reference(), default));
                    for (int chunk = 0; chunk < 20; chunk++)
                        Assert.True(image.Plain(chunk).SequenceEqual(monitor.Read(image, chunk)));
                }
            }
            ProgramRun.Of("sync", "-f", mount);
            string[] columns = ProgramRun.Of("btrfs", "filesystem", "du", "--raw", "-s", Path.Combine(mount, second.Digest.Hex))
                .Succeeded().Output.Split('\n')[^2].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            (long total, long exclusive) = (long.Parse(columns[0], CultureInfo.InvariantCulture), long.Parse(columns[1], CultureInfo.InvariantCulture));
            Assert.InRange(total, 20 * 256 * 1024, long.MaxValue);
            Assert.InRange(exclusive, 0, 256 * 1024);
        }
        finally
        {
            ProgramRun.Of("umount", mount);
        }
    }
}
