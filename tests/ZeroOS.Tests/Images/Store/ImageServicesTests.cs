using ZeroOS.Images.Store;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Images.Store;

public sealed class ImageServicesTests
{
    [Fact]
    public async Task One_tenant_fills_one_image_in_the_background_and_four_tenants_do_at_once()
    {
        ImageServices services = new(null!, null!, ImageBench.Quick, null!, LineLog.Quiet, default);
        Task<IDisposable>[] first = [.. Enumerable.Range(0, 4).Select(i => services.Fills.EnterAsync($"tenant {i}", default))];
        Assert.All(first, f => Assert.True(f.IsCompletedSuccessfully));
        Task<IDisposable> second = services.Fills.EnterAsync("tenant 0", default), fifth = services.Fills.EnterAsync("tenant 4", default);
        Assert.False(second.IsCompleted || fifth.IsCompleted);
        (await first[1]).Dispose();
        using IDisposable place = await fifth.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.False(second.IsCompleted);
        (await first[0]).Dispose();
        (await second.WaitAsync(TimeSpan.FromSeconds(20))).Dispose();
    }
}
