using ZeroOS.Contracts.Sessions;
using ZeroOS.Formats.Tar;
using ZeroOS.Linux;
using ZeroOS.Trees;

namespace ZeroOS.Guest.Sessions;

/// <summary>The copies of this guest: some at once, and a sentence for each that fails. Thread-safe.</summary>
/// <param name="openRoot">Opens the workload's root as its first process sees it; null when it has ended.</param>
internal sealed class CopyPlaces(Func<RootedDirectory?> openRoot)
{
    /// <summary>Copies at once: each may hold <see cref="TreeLimits.NameBytes"/>.</summary>
    internal const int Most = 4;

    private readonly Places _places = new(Most);

    /// <summary>Does one copy, and says why its session is over.</summary>
    internal SessionEnd Run(byte[] body, SessionLink link, Func<RootedDirectory, CopyBegin, SessionEnd> copy)
    {
        if (CopyBeginReader.TryRead(body, out string refusal) is not { } begin)
            return new SessionEnd(SessionCloseReason.Refused, refusal);
        if (!_places.TryTake())
            return new SessionEnd(SessionCloseReason.OverCapacity, $"the machine has {Most} copies at once, the most there are");
        try
        {
            using RootedDirectory? root = openRoot();
            return root is null ? new SessionEnd(SessionCloseReason.Refused, "the workload has ended") : copy(root, begin);
        }
        catch (CopyOverException)
        {
            return link.Over ?? new SessionEnd(SessionCloseReason.Cancelled, "the client wants no more");
        }
        catch (TreeException e)
        {
            return new SessionEnd(e.IsLimit ? SessionCloseReason.OverCapacity : SessionCloseReason.Refused, e.Message);
        }
        catch (TarException e)
        {
            return new SessionEnd(SessionCloseReason.Refused, e.Message);
        }
        catch (LinuxException e)
        {
            return new SessionEnd(e.Errno is Errno.ENOENT or Errno.ENOTDIR ? SessionCloseReason.NotFound : SessionCloseReason.Refused, e.Message);
        }
        finally
        {
            _places.Return();
        }
    }
}
