using Xunit;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Oci.Registry;
using ZeroOS.Tests.Oci.Registry;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Images.Store;

[Trait("tier", "kernel")]
public sealed class ImageRegistryTests
{
    [SkippableFact]
    public async Task Image_comes_from_a_real_registry_that_goes_away_in_the_middle_and_comes_back()
    {
        using DockerRegistry registry = await DockerRegistry.StartAsync();
        TestImage image = TestImage.Make(31, chunks: 100, neededAtStart: 4);
        using (RegistryClient client = new(registry.Url, plainHttp: true))
            await image.PushAsync(client);
        await using ImageBench bench = new(registry.Url);
        IImage prepared = await bench.Store.PrepareAsync("tenant", image.Reference(), default);
        using TestMonitor monitor = new(prepared);
        monitor.Read(image, 0);
        registry.Stop();
        monitor.Need(99);
        await ImageBench.EventuallyAsync(() => prepared.Trouble?.Reason == "registry-unreachable", "it says why");
        await registry.ResumeAsync();
        Assert.Equal((99u, ChunkMessage.Ready), monitor.Receive());
        for (int chunk = 0; chunk < 100; chunk++)
            Assert.True(image.Plain(chunk).SequenceEqual(monitor.Read(image, chunk)));
    }

    [SkippableFact]
    public async Task Full_disk_makes_reads_wait_and_room_lets_them_go_on()
    {
        Skip.IfNot(Environment.UserName == "root", "mounting a small tmpfs needs root");
        string small = Directory.CreateTempSubdirectory("zeroos-small-").FullName;
        Mounts.Mount("small", small, "tmpfs", MountFlags.NoSuid, "size=1m");
        try
        {
            TestImage image = TestImage.Make(32, chunks: 60);
            using TestRegistry registry = new(image);
            await using ImageBench bench = new(registry.Url, ImageBench.Quick with { ReserveBytes = 64 * 1024 }, Path.Combine(small, "images"));
            IImage prepared = await bench.Store.PrepareAsync("tenant", image.Reference(), default);
            using TestMonitor monitor = new(prepared);
            for (int chunk = 0; chunk < 60; chunk++)
                monitor.Need(chunk);
            await ImageBench.EventuallyAsync(() => prepared.Trouble?.Reason == "disk-full", "it says why");
            Mounts.Mount("small", small, "tmpfs", MountFlags.NoSuid | MountFlags.Remount, "size=16m");
            await ImageBench.EventuallyAsync(() => prepared.BytesFetched == prepared.BytesTotal, "the rest");
            for (int chunk = 0; chunk < 60; chunk++)
                Assert.True(image.Plain(chunk).SequenceEqual(monitor.ReadDevice(image, chunk)));

            // With no room for even the manifest nothing half-made is left behind.
            using (FileStream fill = File.Create(Path.Combine(small, "fill"), 1))
            {
                for (byte[] page = new byte[4096]; ;)
                {
                    try
                    {
                        fill.Write(page);
                    }
                    catch (IOException)
                    {
                        break;
                    }
                }
            }
            TestImage next = TestImage.Make(33);
            registry.Add(next);
            WorkloadException full = await Assert.ThrowsAsync<WorkloadException>(() => bench.Store.PrepareAsync("tenant", next.Reference(), default));
            Assert.Equal("disk-full", full.Reason);
            Assert.False(Directory.Exists(bench.DirectoryOf(next)));
        }
        finally
        {
            Assert.Equal(Errno.None, Mounts.TryUnmount(small));
            Directory.Delete(small);
        }
    }
}
