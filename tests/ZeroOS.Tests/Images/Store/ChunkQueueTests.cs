using Xunit;

using ZeroOS.Images.Store;

namespace ZeroOS.Tests.Images.Store;

public sealed class ChunkQueueTests
{
    [Fact]
    public void Two_thousand_random_lives_lose_no_chunk_and_tell_everybody_once()
    {
        for (int seed = 0; seed < 2000; seed++)
        {
            try
            {
                ChunkQueueModel.Run(seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}", e);
            }
        }
    }
}
