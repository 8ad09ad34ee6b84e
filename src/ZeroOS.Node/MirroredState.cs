using System.Data.Common;

using ZeroOS.Engine.Store;
using ZeroOS.Host.Storage;
using ZeroOS.Linux;

namespace ZeroOS.Node;

/// <summary>
/// The database on every disk of the node. It is opened on the disk with the newest state; the others follow from <see cref="Mirror"/> on. A disk that fails is
/// struck from the list; when it is the one the node works with, the role starts again and takes another.
/// </summary>
internal static class MirroredState
{
    private const string Database = "node.db";

    /// <summary>
    /// Opens the database on the first disk. If that cannot be and another disk has the same state, the next start of the role takes the other.
    /// </summary>
    /// <exception cref="DbException">It cannot be opened.</exception>
    public static EngineStore Open(NodeStorage storage, TimeProvider? time = null)
    {
        try
        {
            return EngineStore.Open(Path.Combine(storage.StateDirectory, Database), time);
        }
        catch (DbException e)
        {
            storage.State.Strike(storage.StateDirectory, e.Message);
            throw;
        }
    }

    /// <summary>
    /// Brings the other disks to the same state and keeps them there. For a node that knows who it is: a locked one changes nothing that is stored.
    /// </summary>
    public static void Mirror(NodeStorage storage, EngineStore store, Action startAgain, ILog log)
    {
        store.CopyFailed += (path, why) => storage.State.Strike(Path.GetDirectoryName(path)!, why);
        store.Failed += why =>
        {
            log.Error($"event=state-failed message=\"{why}\"");
            storage.State.Strike(storage.StateDirectory, why);
        };
        storage.State.PrimaryLost += startAgain;
        storage.State.Begin(directory => store.AddCopy(Path.Combine(directory, Database)));
    }
}
